"""A transcript as JSON and for a terminal, page by page. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from bot.records import Record, attempt_record
from bot.slacktext import visible
from bot.words import FORGOTTEN, stamp
from dispatch.task import Attempt, Task
from dispatch.transcript import Entry, Kind

PAGE: Final = 100
"""How many entries one page holds at most."""

_HEADING: Final = {Kind.CALL: "calls {}", Kind.RESULT: "{} answers", Kind.ERROR: "{} fails"}
_FACTS: Final = ("number", "model", "verdict", "fault", "detail", "started_at", "ended_at")


def transcript_record(task: Task, attempt: Attempt, after: int, entries: Sequence[Entry]) -> Record:
    """One page, with the entries behind number `after`. `next` is where to read on; null on the last page."""
    facts = attempt_record(attempt)
    return {
        "task": task.id,
        "forgotten": task.forgotten,
        "attempt": {name: facts[name] for name in _FACTS},
        "entries": [
            {"at": entry.at.isoformat(), "who": entry.who, "kind": entry.kind.value, "text": entry.text}
            for entry in entries
        ],
        "after": after,
        "next": after + len(entries) if len(entries) == PAGE else None,
    }


def whole(pages: Sequence[Record]) -> Record:
    """All pages as one."""
    entries = [entry for page in pages for entry in cast("list[Record]", page["entries"])]
    facts = {name: value for name, value in pages[0].items() if name not in ("after", "next")}
    return facts | {"entries": entries}


def printed(page: Record, zone: ZoneInfo) -> Iterator[str]:
    """The page for a terminal, piece by piece; the first one begins with the attempt.

    The words of entries are set in, so that none of them looks like a heading.
    """
    if page["after"] == 0:
        yield _opening(page, zone)
    for entry in cast("list[Mapping[str, str]]", page["entries"]):
        at = f"{datetime.fromisoformat(entry['at']).astimezone(zone):%H:%M:%S}"
        name = " ".join(visible(entry["who"]).split())
        heading = _HEADING.get(Kind(entry["kind"]), "{}").format(name)
        words = [f"    {line}".rstrip() for line in visible(entry["text"]).split("\n")]
        yield "\n".join(["", f"{at}  {heading}", *words])


def _opening(page: Record, zone: ZoneInfo) -> str:
    attempt = cast("dict[str, Any]", page["attempt"])
    ended = stamp(attempt["ended_at"], zone) if attempt["ended_at"] else "now"
    fault = f": {attempt['fault']}. {visible(attempt['detail'])}" if attempt["fault"] else ""
    lines = [
        f"#{page['task']} attempt {attempt['number']}, {attempt['model'] or 'no model'}, "
        f"{stamp(attempt['started_at'], zone)} to {ended}",
        f"{attempt['verdict'] or 'running'}{fault}",
    ]
    if not page["entries"]:
        lines += ["", f"({FORGOTTEN})" if page["forgotten"] else "Nothing is kept of what happened in it."]
    return "\n".join(lines)
