"""What a long-running process needs of its machine: a log, time to end, and a way to be told to."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from bot.config import ConfigError, Settings
from dispatch.timeouts import Timeouts, clashes
from dispatch.worker import LEASE


class _Line(logging.Formatter):
    """The message alone, with its level before it where that is more than information."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if record.levelno <= logging.INFO else f"{record.levelname} {record.name}: {text}"


def log_to_stderr() -> None:
    """One line for each thing worth knowing; times are the supervisor's to add."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for ours in ("bot", "dispatch", "__main__"):
        logging.getLogger(ours).setLevel(logging.INFO)


MODEL_KEY: Final = "ANTHROPIC_API_KEY"
"""The environment variable without which no task can be worked."""


def needed(settings: Settings) -> tuple[str, ...]:
    """The environment variables without which nothing can run, however Slack is heard."""
    line = "SLACK_SIGNING_SECRET" if settings.slack.http else "SLACK_APP_TOKEN"
    return "SLACK_BOT_TOKEN", line, MODEL_KEY


def refuse_clashes(settings: Settings, silence: timedelta, watchdog: timedelta | None) -> None:
    """Raises ConfigError naming each timeout that does not fit into the next.

    `silence` is how long a request to Claude may say nothing, `watchdog` what the supervisor waits for.
    """
    timeouts = Timeouts(
        silence=silence,
        wall_clocks={tier: rule.wall_clock for tier, rule in settings.table.items()},
        lease=LEASE,
        renewal=LEASE / 3,
        grace=timedelta(seconds=settings.grace_seconds),
        stop=timedelta(seconds=settings.supervisor_stop_seconds),
        watchdog=watchdog,
    )
    if found := [f"  {clash}." for clash in clashes(timeouts)]:
        raise ConfigError("\n".join(["these timeouts do not fit together:", *found]))


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM or SIGINT sets. A second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def asked() -> None:
        stop.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, asked)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
