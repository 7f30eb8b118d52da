"""One adapter for each way to run a session."""
