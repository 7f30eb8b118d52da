"""Markdown lines -> passages that a reader wants whole: a fence, a table, a run of text or of blank lines.

A passage knows how it may be cut all the same: which lines end one piece and open the next.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.fences import MARK_LIMIT, Span, spans, too_wide, without_fence

_INFO_LIMIT = 100
_TABLE_LINES = 100

_CELL = r"[ \t]*+:?-++:?[ \t]*+"
_DELIMITERS = re.compile(rf"[ \t>]*+\|?{_CELL}(?:\|{_CELL})*+\|?[ \t]*+")
_HEADING = re.compile(r"(?:[ \t]++|>|(?:[-*+]|[0-9]{1,9}[.)])(?=[ \t]))*+#{1,6}(?:[ \t]|\Z)")
_DIVIDER = re.compile(r"[ \t>]*+(?:=++|-++|(?:[-*_][ \t]*+){3,}+)[ \t]*+\Z")


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines that stay together where they fit.

    `close` ends a piece that was cut off and `again` opens the one after it; neither is in the text.
    `least` is the fewest lines a first piece may hold, `most` the most that any piece may.
    `prefix` begins a line that continues one that was too long.
    """

    lines: tuple[str, ...]
    again: tuple[str, ...] = ()
    close: tuple[str, ...] = ()
    prefix: str = ""
    least: int = 1
    most: int | None = None

    def items(self, lines: Sequence[str]) -> int:
        """How many blocks Slack makes of these lines of the passage, apart from its prose."""
        return sum(_is_item(line) for line in lines)


class Text(Passage):
    """Lines of prose, or blank ones."""

    __slots__ = ()


class Fence(Passage):
    """A block of code from its opening to its closing line: no item, whatever stands in it."""

    __slots__ = ()

    def items(self, _lines: Sequence[str]) -> int:
        return 0


class Table(Passage):
    """A table with its header: one item where its header stands."""

    __slots__ = ()

    def items(self, lines: Sequence[str]) -> int:
        return sum(_DELIMITERS.fullmatch(line) is not None for line in lines)


def read(lines: Sequence[str]) -> Iterator[Passage]:
    """Every line in order, once. A fence that nothing closes gets its closing line."""
    at = 0
    for span in spans(lines):
        yield from _prose(lines[at : span.start])
        yield _fence(lines[span.start : span.end], span)
        at = span.end
    yield from _prose(lines[at:])


def is_heading(line: str) -> bool:
    """Whether a line outside fences is a heading that begins with #."""
    return _HEADING.match(line) is not None


def _is_item(line: str) -> bool:
    return is_heading(line) or _DIVIDER.match(line) is not None


def _fence(lines: Sequence[str], span: Span) -> Fence:
    opening = span.opening
    prefix = re.sub(r"[^ \t>]", " ", opening.prefix)
    closing = prefix + opening.mark
    body = (*lines[:-1], _aligned(lines[-1], closing, prefix)) if span.closed else (*lines, closing)
    again = (closing + opening.info[:_INFO_LIMIT]).rstrip()
    return Fence(body, again=(again,), close=(closing,), prefix=prefix, least=2)


def _aligned(line: str, closing: str, prefix: str) -> str:
    """The closing line as it closes the fence in a message of its own too: no deeper, and not too long."""
    marks = line.strip(" \t>")
    if len(marks) > MARK_LIMIT:
        return closing
    return line.rstrip() if line.startswith(closing) else prefix + marks


def _prose(lines: Sequence[str]) -> Iterator[Passage]:
    at = 0
    while at < len(lines):
        passage = _table(lines, at) if _begins_table(lines, at) else _text(lines, at)
        yield passage
        at += len(passage.lines)


def _begins_table(lines: Sequence[str], at: int) -> bool:
    delimiters = "".join(lines[at + 1 : at + 2])
    return _is_row(lines[at]) and "|" in delimiters and _DELIMITERS.fullmatch(delimiters) is not None


def _is_row(line: str) -> bool:
    return "|" in line and not is_heading(line)


def _table(lines: Sequence[str], at: int) -> Table:
    end = at + 2
    while end < len(lines) and _is_row(lines[end]):
        end += 1
    return Table(_tamed(lines[at:end]), again=tuple(lines[at : at + 2]), least=3, most=_TABLE_LINES)


def _text(lines: Sequence[str], at: int) -> Text:
    blank = not lines[at].strip()
    end = at + 1
    while end < len(lines) and (not lines[end].strip()) == blank and not _begins_table(lines, end):
        end += 1
    return Text(_tamed(lines[at:end]))


def _tamed(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(without_fence(line) if too_wide(line) else line for line in lines)
