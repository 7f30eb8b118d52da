"""What is kept of what happens in a session: its entries, without secrets and within bounds. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST = 16_000
"""Characters of one entry that are kept."""

SHORTER = 1_000
"""The same once half of an attempt's room is used, so that there is room for its end too."""

ROOM = 1_000_000
"""Bytes that the transcript of one attempt may take."""

MODEL, RUNTIME, RECORDER, PEOPLE = "model", "runtime", "onequeue", "people"
"""Who speaks where no tool does."""

_NAME = 100
_MARGIN = 8_000
"""Characters beyond the longest entry that are read for secrets. None that begins in an entry reaches on."""

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_FULL = "From here on nothing is kept: the transcript of one attempt may take {:,} bytes."


class Kind(StrEnum):
    """What an entry holds: words, a call of a tool, its result, its error, or a note beside all that."""

    SAID = "said"
    CALL = "call"
    RESULT = "result"
    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened in a session. `who` is a tool's name, or who speaks where no tool does."""

    at: datetime
    who: str
    kind: Kind
    text: str

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.who.encode()) + len(self.text.encode())


class Unrecorded:
    """`ports.Recorder` of a session of which nothing is kept."""

    def add(self, who: str, kind: Kind, text: str) -> None:
        """Keeps nothing."""


class Room:
    """The room that one attempt has. `strike` takes the secrets out of a text."""

    def __init__(self, strike: Callable[[str], str]) -> None:
        self._strike = strike
        self._free = ROOM

    def fit(self, at: datetime, who: str, kind: Kind, text: str) -> Entry | None:
        """The entry as it is kept; one that says so where the room has ended, and None from then on."""
        if self._free <= 0:
            return None
        longest = LONGEST if self._free > ROOM // 2 else SHORTER
        entry = Entry(at, storable(self._strike(who[:_NAME])), kind, kept(text, self._strike, longest))
        self._free -= entry.size
        return entry if self._free > 0 else Entry(at, RECORDER, Kind.NOTE, _FULL.format(ROOM))


def kept(text: str, strike: Callable[[str], str], longest: int) -> str:
    """The text without secrets, cut after `longest` characters; a last line says how many are missing.

    Secrets are struck out of more than what is kept, so that the cut cannot halve one.
    """
    read = longest + _MARGIN
    struck = strike(text[:read])
    if len(text) > read:
        struck = struck[:-_MARGIN]
    shown = storable(struck[:longest])
    missing = len(struck) - len(shown) + (len(text) - longest if len(text) > read else 0)
    return f"{shown}\n… {missing:,} characters left out" if missing else shown


def storable(text: str) -> str:
    """The text with a replacement for each character that no database keeps."""
    return _UNSTORABLE.sub("\ufffd", text)


def broken_off(text: str) -> str:
    """What there is of a text that broke off, without its last word: half a secret looks like none."""
    *_, last = text.rsplit(maxsplit=1) or [""]
    return f"{text.removesuffix(last)}…"


def spelled(given: object) -> str:
    """A tool's input as people read it: a line for each value, words as they are."""
    if isinstance(given, Mapping):
        return "\n".join(f"{name}: {_plain(value)}" for name, value in given.items())
    return _plain(given)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
