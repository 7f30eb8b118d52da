"""Tasks, models and money. This package knows no Slack."""
