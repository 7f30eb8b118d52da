"""Timeouts that stand inside one another, checked before anything starts. Pure.

A lease need not outlast its task: it is renewed as long as the session lives, so it only has to survive a
renewal that came too late.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from dispatch.task import Tier

SILENCE = timedelta(seconds=120)
"""How long a request to the model API may stay silent."""

LAST_WORDS = timedelta(seconds=5)
"""What sessions came to gets this long to be stored after the grace, then as long what is due to people."""

LOOP_GUARD = timedelta(seconds=60)
"""A process whose event loop stands still for so long is ended."""

HEARTBEAT = timedelta(seconds=5)
"""The supervisor is told no more often than this that the process lives."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Every timeout that another one must allow for.

    `silence` is how long a request to the model API may say nothing, `wall_clocks` how long a session of
    each tier may take, `grace` how long sessions may go on after SIGTERM, `stop` when the supervisor kills
    what has not ended by then, `watchdog` how long the supervisor waits for a sign of life, if it does.
    """

    silence: timedelta
    wall_clocks: Mapping[Tier, timedelta]
    lease: timedelta
    renewal: timedelta
    grace: timedelta
    stop: timedelta
    watchdog: timedelta | None = None
    last_words: timedelta = LAST_WORDS
    loop_guard: timedelta = LOOP_GUARD
    heartbeat: timedelta = HEARTBEAT


def clashes(timeouts: Timeouts) -> Iterator[str]:
    """Each pair that does not nest, and which setting to change. Nothing where all do."""
    for tier, wall_clock in timeouts.wall_clocks.items():
        if timeouts.silence >= wall_clock:
            yield (
                f"tiers.{tier}.minutes: {_said(wall_clock)} is too short, because one request to Claude may "
                f"stay silent for {_said(timeouts.silence)}. Give sessions more time than that, or lower "
                "anthropic.silence_seconds"
            )
    if timeouts.renewal * 2 >= timeouts.lease:
        yield (
            f"a lease of {_said(timeouts.lease)} is renewed every {_said(timeouts.renewal)}, so one late "
            "renewal loses the task. Renew it more than twice as often as it ends"
        )
    needed = timeouts.grace + 2 * timeouts.last_words
    if needed >= timeouts.stop:
        yield (
            f"supervisor_stop_seconds: {_said(timeouts.stop)} must be more than grace_seconds and twice "
            f"{_said(timeouts.last_words)}, to store what sessions came to and to say it "
            f"({_said(needed)}). Lower grace_seconds, or raise "
            "supervisor_stop_seconds and the supervisor's own limit (TimeoutStopSec) with it"
        )
    if timeouts.loop_guard <= timeouts.renewal:
        yield (
            f"a process that stands still for {_said(timeouts.loop_guard)} is ended, which is before the "
            f"next lease is renewed ({_said(timeouts.renewal)}). Make the guard wait longer"
        )
    if timeouts.watchdog is not None and timeouts.watchdog <= timeouts.heartbeat * 2:
        yield (
            f"WatchdogSec (WATCHDOG_USEC): {_said(timeouts.watchdog)} must be more than "
            f"{_said(timeouts.heartbeat * 2)}, twice the shortest heartbeat. Raise it in the unit"
        )


def _said(time: timedelta) -> str:
    return f"{time.total_seconds():g} s"
