"""A model's Markdown -> the texts of Slack `markdown` blocks: safe, split, with nothing left open.

One text is one message: Slack takes 12,000 characters of Markdown in it, and counts headings, dividers and
tables inside the text towards its 50 blocks.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.fences import without_fence
from bot.passages import Fence, Passage, Text, is_heading, read
from bot.slacktext import ZERO_WIDTH, neutralise

TEXT_LIMIT: Final = 11_000
ITEMS_LIMIT: Final = 40
PARTS_LIMIT: Final = 3

_NO_TEXT = "The model returned no text."
_IN_THE_FILE = "This is the beginning. The whole answer is in the file."

_STRUCTURE = re.compile(r"[ \t`~#>|=+*_-]|[0-9]{1,9}[.)]")

# A cut can bare a ping at either end of a piece, and a piece may need a zero-width space in front.
_CUT_ROOM = 3


@dataclass(frozen=True, slots=True)
class Rendered:
    """One to three texts to post in order, and the whole text for a .md file when they do not hold it."""

    parts: tuple[str, ...]
    document: str | None


def render(text: str) -> Rendered:
    """A model's answer as what Slack gets to see. Never empty."""
    parts = split(text)
    if not parts:
        return Rendered((_NO_TEXT,), None)
    if len(parts) <= PARTS_LIMIT:
        return Rendered(parts, None)
    beginning = split(text, TEXT_LIMIT - len(_IN_THE_FILE) - 2)[0]
    return Rendered((f"{beginning}\n\n{_IN_THE_FILE}",), neutralise(text))


def split(text: str, limit: int = TEXT_LIMIT, items: int = ITEMS_LIMIT) -> tuple[str, ...]:
    """Cut Markdown by lines into neutralised texts of at most `limit` characters (1,000 or more).

    Each holds at most `items` (1 or more) headings, dividers and tables. A fence or a table is cut only
    where it does not fit whole: the fence is closed and opened again, the table repeats its header. A line
    over the limit is cut at a space. Blank lines at a cut are dropped, and nothing else is; blank text has
    no parts.
    """
    pages = _Pages(limit, items)
    for passage in read(neutralise(text).split("\n")):
        pages.put(passage)
    pages.finish()
    return tuple(pages.done)


class _Pages:
    """Fills one text after the other."""

    def __init__(self, limit: int, items: int) -> None:
        self.done: list[str] = []
        self._limit = limit
        self._items = items
        self._clear()

    def _clear(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._count = 0

    def put(self, passage: Passage) -> None:
        """Add a passage: whole on this page, else whole on the next, else in pieces from here on."""
        size, count = _size(passage.lines), passage.items(passage.lines)
        whole = passage.most is None or len(passage.lines) <= passage.most
        if whole and not self._has_room(size, count) and size <= self._limit + 1 and count <= self._items:
            self._turn()
        if whole and self._has_room(size, count):
            self._add(passage, passage.lines)
        else:
            self._spread(passage)

    def finish(self) -> None:
        """End the last text."""
        text = _trimmed(self._lines)
        if text:
            self.done.append(text)
        self._clear()

    def _turn(self) -> None:
        """Begin the next text, with the headings that would have ended this one."""
        cut = len(self._lines)
        while cut > 0 and _leads_on(self._lines[cut - 1]):
            cut -= 1
        leading = self._lines[cut:] if _trimmed(self._lines[:cut]) else []
        del self._lines[len(self._lines) - len(leading) :]
        self.finish()
        self._add(Text(tuple(leading)), leading)

    def _has_room(self, size: int, count: int) -> bool:
        return self._size + size <= self._limit + 1 and self._count + count <= self._items

    def _add(self, passage: Passage, lines: Sequence[str]) -> None:
        self._lines.extend(lines)
        self._size += _size(lines)
        self._count += passage.items(lines)

    def _spread(self, passage: Passage) -> None:
        if _size(passage.again) > self._limit // 2:
            passage = replace(passage, again=())
        lines = list(_narrowed(passage, self._limit))
        done, least, again = 0, passage.least, passage.again[:0]
        while done < len(lines):
            reach = self._reach(passage, again, lines[done:])
            if reach < min(least, len(lines) - done) and self._lines:
                self._turn()
                continue
            end = done + max(reach, 1)
            close = passage.close if end < len(lines) else ()
            self._add(passage, (*again, *lines[done:end], *close))
            done, least, again = end, 1, passage.again
            if done < len(lines):
                self._turn()

    def _reach(self, passage: Passage, again: Sequence[str], lines: Sequence[str]) -> int:
        """How many of these lines fit on this page, with what must stand before and behind them."""
        size, count, reach = _size(again), passage.items(again), 0
        for line in lines[: passage.most and passage.most - len(again)]:
            size += len(line) + 1
            count += passage.items((line,))
            behind = _size(passage.close) if reach + 1 < len(lines) else 0
            if not self._has_room(size + behind, count):
                break
            reach += 1
        return reach


def _size(lines: Sequence[str]) -> int:
    """Characters of these lines with a line end behind each."""
    return sum(map(len, lines)) + len(lines)


def _trimmed(lines: Sequence[str]) -> str:
    """These lines as a text that neither begins nor ends with a blank one."""
    written = [at for at, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[written[0] : written[-1] + 1]) if written else ""


def _leads_on(line: str) -> bool:
    return not line.strip() or is_heading(line)


def _narrowed(passage: Passage, limit: int) -> Iterator[str]:
    room = limit - _size(passage.again) - _size(passage.close) - len(passage.prefix) - _CUT_ROOM
    for at, line in enumerate(passage.lines):
        if len(line) <= room:
            yield line
        else:
            opens_fence = isinstance(passage, Fence) and at == 0
            first, *more = _pieces(line.rstrip(), room)
            yield first if opens_fence else without_fence(first)
            for piece in more:
                apart = ZERO_WIDTH if _STRUCTURE.match(piece) else ""
                yield passage.prefix + apart + piece


def _pieces(line: str, room: int) -> Iterator[str]:
    while len(line) > room:
        cut = line.rfind(" ", room // 2, room) + 1 or room
        yield neutralise(line[:cut])
        line = line[cut:]
    yield neutralise(line)
