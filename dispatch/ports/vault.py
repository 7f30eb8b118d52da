"""Copies of everything stored."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of everything stored, as of one moment: where it is, its size, how many tasks it holds."""

    path: Path
    bytes: int
    tasks: int
