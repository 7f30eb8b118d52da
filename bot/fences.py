"""Where the fences of a Markdown text begin and end, in quotes and lists too, by CommonMark's rules.

One liberty: a line that lazily continues a paragraph of a list or quote from outside counts as outside.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.slacktext import ZERO_WIDTH

PREFIX_LIMIT = 80
MARK_LIMIT = 100

_QUOTE = re.compile(r" {0,3}> ?+")
_ITEM = re.compile(r"(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]++|\Z)")
_RULE = re.compile(r"[ \t]*+(?:(?:\*[ \t]*+){3,}+|(?:-[ \t]*+){3,}+|(?:_[ \t]*+){3,}+)\Z")
_MARK = re.compile(r"(?P<mark>`{3,}+(?=[^`]*\Z)|~{3,}+)(?P<info>.*)")
_MARKED_LINE = re.compile(
    r"(?P<prefix>(?:[ \t]++|>|(?:[-*+]|[0-9]{1,9}[.)])(?=[ \t]))*+)(?P<mark>`{3,}+|~{3,}+)"
)


@dataclass(frozen=True, slots=True)
class Opening:
    """The line that opens a fence: `depth` quotes around it, the list's content at `column` in them."""

    prefix: str
    mark: str
    info: str
    depth: int
    column: int

    def left_at(self, line: str) -> bool:
        """Whether the quote or list around the fence ends before this line, and the fence with it."""
        inner = self._inner(line)
        return inner is None or (inner.strip() != "" and _indent(inner) < self.column)

    def closed_by(self, line: str) -> bool:
        inner = self._inner(line) or ""
        marks = inner.strip()
        return (
            len(marks) >= len(self.mark)
            and marks.count(self.mark[0]) == len(marks)
            and _indent(inner) <= self.column + 3
        )

    def _inner(self, line: str) -> str | None:
        depth, inner = _unquoted(line, self.depth)
        return inner if depth == self.depth else None


@dataclass(frozen=True, slots=True)
class Span:
    """`lines[start:end]` is a fence; `closed` when the last of them is its closing line."""

    start: int
    end: int
    opening: Opening
    closed: bool


def spans(lines: Sequence[str]) -> Iterator[Span]:
    """The fences in order. One too wide to be written again within a message is not counted."""
    lists, at = _Lists(), 0
    while at < len(lines):
        opening = lists.enter(lines[at])
        if opening is None:
            at += 1
            continue
        span = _span(lines, at, opening)
        yield span
        at = span.end


def too_wide(line: str) -> bool:
    """Whether a line has a fence's mark that `spans` leaves out for its size."""
    found = _MARKED_LINE.match(line)
    return found is not None and _is_too_wide(found["prefix"], found["mark"])


def without_fence(line: str) -> str:
    """The same line as text: a zero-width space keeps its mark from opening or closing a fence."""
    found = _MARKED_LINE.match(line)
    return found["prefix"] + ZERO_WIDTH + line[found.start("mark") :] if found else line


def _span(lines: Sequence[str], start: int, opening: Opening) -> Span:
    for end in range(start + 1, len(lines)):
        if opening.left_at(lines[end]):
            return Span(start, end, opening, closed=False)
        if opening.closed_by(lines[end]):
            return Span(start, end + 1, opening, closed=True)
    return Span(start, len(lines), opening, closed=False)


@dataclass(slots=True)
class _Lists:
    """The lists that are open, by the columns of their content, in a quote of some depth."""

    depth: int = 0
    columns: list[int] = field(default_factory=list)

    def enter(self, line: str) -> Opening | None:
        """Move on to a line outside fences, and read the fence it opens."""
        depth, inner = _unquoted(line)
        if depth != self.depth:
            self.depth, self.columns = depth, []
        at = len(inner) - len(inner.lstrip(" \t"))
        if at == len(inner):
            return None
        while self.columns and _width(inner[:at]) < self.columns[-1]:
            self.columns.pop()
        if not _RULE.match(inner):
            at = self._enter_items(inner, at)
        mark = _MARK.match(inner, at)
        prefix = line[: len(line) - len(inner) + at]
        if mark is None or self._is_code(inner, at) or _is_too_wide(prefix, mark["mark"]):
            return None
        return Opening(prefix, mark["mark"], mark["info"], depth, self._column)

    def _enter_items(self, inner: str, at: int) -> int:
        while at <= PREFIX_LIMIT and not self._is_code(inner, at) and (item := _ITEM.match(inner, at)):
            marker = _width(inner[: at + len(item[0].rstrip())])
            at = item.end()
            gap = _width(inner[:at]) - marker
            self.columns.append(marker + (gap if 1 <= gap <= 4 and at < len(inner) else 1))
        return at

    def _is_code(self, inner: str, at: int) -> bool:
        return _width(inner[:at]) > self._column + 3

    @property
    def _column(self) -> int:
        return self.columns[-1] if self.columns else 0


def _is_too_wide(prefix: str, mark: str) -> bool:
    return len(prefix) > PREFIX_LIMIT or len(mark) > MARK_LIMIT


def _unquoted(line: str, most: int | None = None) -> tuple[int, str]:
    depth, at = 0, 0
    while depth != most and (quote := _QUOTE.match(line, at)):
        depth, at = depth + 1, quote.end()
    return depth, line[at:]


def _indent(text: str) -> int:
    return _width(text[: len(text) - len(text.lstrip(" \t"))])


def _width(text: str) -> int:
    return len(text.expandtabs(4))
