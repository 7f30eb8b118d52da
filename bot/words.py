"""Times, durations, counts and places in a line, as people read them. Pure."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

FORGOTTEN: Final = "its words are no longer kept"
"""In place of what was said in a task that ended long ago."""

PRIVATE: Final = "asked in private"
"""In place of what was said in a task, for whoever could not read it where it was asked."""


def duration(time: timedelta) -> str:
    """A span in its two largest units: `45 s`, `7 min 12 s`, `2 h 5 min`, `3 d 4 h`; `<1 s` below one."""
    seconds = int(time.total_seconds())
    if seconds < 1:
        return "<1 s"
    for size, unit, smaller, smaller_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if seconds >= size:
            return _two(seconds // size, unit, seconds % size // smaller, smaller_unit)
    return _two(seconds // 60, "min", seconds % 60, "s")


def _two(large: int, unit: str, small: int, smaller_unit: str) -> str:
    shown = [f"{amount} {name}" for amount, name in ((large, unit), (small, smaller_unit)) if amount]
    return " ".join(shown)


def tokens(count: int) -> str:
    """A count of tokens: `940`, `8.4k`, `84k`, `1.2M`."""
    if count < 1000:
        return str(count)
    if count < 9_950:
        return f"{count / 1000:.1f}k".replace(".0k", "k")
    if count < 999_500:
        return f"{count / 1000:.0f}k"
    return f"{count / 1_000_000:.1f}M".replace(".0M", "M")


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def counted(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def stamp(at: str, zone: ZoneInfo) -> str:
    """A time in ISO 8601 as a terminal shows it: `2026-11-23 18:00:00 CET`."""
    return f"{datetime.fromisoformat(at).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def passage(move: str, source: str | None, target: str | None) -> str:
    """A move between states: `claim: queued → running`, or its name alone where they are not known."""
    states = [state for state in (source, target) if state is not None]
    shown = " → ".join(dict.fromkeys(states))
    return f"{move}: {shown}" if shown else move
