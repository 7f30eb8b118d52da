"""What Bolt writes into the log."""

import logging


def quiet(name: str) -> logging.Logger:
    """A log for Bolt that shows only what cannot go on: we say ourselves what an operator should know."""
    log = logging.getLogger(f"{__package__}.{name}")
    log.setLevel(logging.CRITICAL)
    return log
