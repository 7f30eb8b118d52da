"""One adapter for each place where a session can sit."""
