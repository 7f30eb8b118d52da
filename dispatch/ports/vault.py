"""Copies of everything stored, and how what is stored is."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of everything stored, as of one moment: where it is, its size, how many tasks it holds."""

    path: Path
    bytes: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database file is, seen without changing it.

    `version` is None where there is none yet; `newest` is the one this code speaks. `holder` is the
    process that holds it, if one does. `check` is SQLite's own, `ok` where the file is sound, None where
    there was not the time for it. `error` says in words why it cannot be used.
    """

    sqlite: str
    newest: int
    version: int | None = None
    journal: str = ""
    check: str | None = None
    holder: str = ""
    error: str = ""
