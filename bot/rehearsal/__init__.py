"""A small Slack, a small Claude and a page: the whole bot without a token."""
