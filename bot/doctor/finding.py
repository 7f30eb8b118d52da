"""What one check came to. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How one thing is. `UNKNOWN` could not be checked, which says nothing good or bad."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was done to see it, what was seen, and what to do where it is not well."""

    name: str
    level: Level
    did: str
    saw: str
    fix: str = ""


def ok(name: str, did: str, saw: str) -> Finding:
    """All is well."""
    return Finding(name, Level.OK, did, saw)


def warning(name: str, did: str, saw: str, fix: str) -> Finding:
    """It works, but not as a team would want it."""
    return Finding(name, Level.WARNING, did, saw, fix)


def failure(name: str, did: str, saw: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(name, Level.FAILURE, did, saw, fix)


def unknown(name: str, did: str, saw: str, fix: str) -> Finding:
    """It could not be checked."""
    return Finding(name, Level.UNKNOWN, did, saw, fix)


def in_one_line(text: str) -> str:
    """A heading and the lines below it: `these are missing: one; another`."""
    heading, *lines = text.splitlines() or [""]
    return f"{heading} {'; '.join(line.strip() for line in lines)}".rstrip()
