"""What goes along with an answer as files: named and long code, and tables too large for a message. Pure."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.passages import Fence, Passage, Table, read
from bot.slacktext import visible

LONG_CODE: Final = 3_000
"""Characters of code that a message still shows."""

ROWS, COLUMNS, TABLE_SIZE = 100, 20, 6_000
"""The rows, columns and characters of the largest table that Slack shows in a message."""

MOST: Final = 5
"""Files that one answer brings. More stay in its text."""

_SHOWN_ROWS: Final = 10
_STEM_LIMIT: Final = 60
_NAMED = re.compile(r"[ \t]*(?:#|//|--|;|<!--|/\*)[ \t]*file:[ \t]*(?P<name>[^\s*<>]{1,200})", re.IGNORECASE)
_KINDS: Final = {"diff": "changes.diff", "patch": "changes.diff", "csv": "table.csv"}
_ENDINGS: Final = {
    "bash": "sh",
    "javascript": "js",
    "markdown": "md",
    "python": "py",
    "ruby": "rb",
    "rust": "rs",
    "shell": "sh",
    "typescript": "ts",
}
_ENDING = re.compile(r"[A-Za-z0-9]{1,8}")
_BAR = re.compile(r"(?<!\\)\|")
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*%?")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of an answer: a safe name and its text, which is never empty."""

    name: str
    text: str


def detached(text: str, mark: str) -> tuple[str, tuple[Attached, ...]]:
    """A model's answer without what is too large for a message, and the files that go along with it.

    Named code is a file and stays in the text where it is not long. `mark` begins every name.
    """
    kept, files = list[str](), list[Attached]()
    for passage in read(visible(text).split("\n")):
        found = _attached(passage, mark, files) if len(files) < MOST else None
        if found is None:
            kept += passage.lines
            continue
        files.append(found)
        kept += _left(passage, found)
    if not files:
        return text, ()
    return "\n".join(kept), tuple(files)


def _attached(passage: Passage, mark: str, before: Sequence[Attached]) -> Attached | None:
    match passage:
        case Fence():
            name, body = _code(passage)
        case Table() if _too_large(passage):
            name, body = "table.csv", _csv(passage)
        case _:
            return None
    if not name or not body.strip():
        return None
    return Attached(_unlike(mark, _safe(name), {file.name for file in before}), body)


def _code(fence: Fence) -> tuple[str, str]:
    """What the code would be called as a file, empty where it is none, and the code."""
    info = fence.lines[0].removeprefix(fence.prefix).lstrip("`~ \t>-*+.0123456789").split()
    kind = info[0].lower() if info else ""
    lines = [line.removeprefix(fence.prefix) for line in fence.lines[1:-1]]
    if lines and (named := _NAMED.match(lines[0])):
        return named["name"], "\n".join([*lines[1:], ""])
    body = "\n".join([*lines, ""])
    if kind in _KINDS:
        return _KINDS[kind], body
    if len(body) <= LONG_CODE:
        return "", body
    ending = _ENDINGS.get(kind, kind)
    return f"code.{ending if _ENDING.fullmatch(ending) else 'txt'}", body


def _left(passage: Passage, file: Attached) -> Sequence[str]:
    """What stays in the text."""
    if isinstance(passage, Table):
        return _beginning(passage, file)
    if len(file.text) <= LONG_CODE:
        return passage.lines
    return (f"{passage.prefix}`{file.name}` goes along as a file.",)


def _beginning(table: Table, file: Attached) -> Sequence[str]:
    rows = len(table.lines) - 2
    shown = table.lines[: 2 + _SHOWN_ROWS]
    if rows <= _SHOWN_ROWS or len(_cells(table.lines[0])) > COLUMNS or sum(map(len, shown)) > TABLE_SIZE:
        return ("", f"The table is in the file `{file.name}`: {rows} rows.", "")
    return (
        *shown,
        "",
        f"These are {_SHOWN_ROWS} of {rows} rows. The file `{file.name}` has all of them.",
        "",
    )


def _too_large(table: Table) -> bool:
    size = sum(len(line) + 1 for line in table.lines)
    return len(table.lines) - 2 > ROWS or len(_cells(table.lines[0])) > COLUMNS or size > TABLE_SIZE


def _csv(table: Table) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(
        [_plain(cell) for cell in _cells(line)] for line in (table.lines[0], *table.lines[2:])
    )
    return written.getvalue()


def _cells(row: str) -> list[str]:
    inner = row.strip(" \t>")
    inner = inner.removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(inner)]


def _plain(cell: str) -> str:
    """The cell, so that no spreadsheet takes it for a formula."""
    if cell[:1] in ("=", "+", "-", "@") and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _safe(name: str) -> str:
    """A file's own name without its folders, in letters, digits, `-` and `_`, with one ending."""
    base = re.split(r"[/\\]", name)[-1]
    stem, _, ending = base.rpartition(".")
    if not stem or not _ENDING.fullmatch(ending):
        stem, ending = base, "txt"
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:_STEM_LIMIT]
    return f"{stem or 'file'}.{ending}"


def _unlike(mark: str, name: str, others: set[str]) -> str:
    stem, _, ending = name.rpartition(".")
    names = (f"{mark}-{name}", *(f"{mark}-{stem}-{number}.{ending}" for number in range(2, MOST + 2)))
    return next(one for one in names if one not in others)
