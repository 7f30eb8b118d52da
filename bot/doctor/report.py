"""Findings as text for a terminal and as JSON. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Final

from bot.doctor.finding import Finding, Level
from bot.records import Record
from bot.redact import redact

_SHOWN: Final = {Level.OK: "ok", Level.WARNING: "warn", Level.FAILURE: "FAIL", Level.UNKNOWN: "?"}
_LEVEL_WIDTH: Final = 6


def safe(findings: Sequence[Finding], secrets: Iterable[str] = ()) -> Sequence[Finding]:
    """The same with no secret and nothing that is not meant to be read, each text on one line."""
    known = tuple(secrets)

    def line(text: str) -> str:
        return " ".join(redact(text, known).split())

    return [
        replace(each, name=line(each.name), did=line(each.did), saw=line(each.saw), fix=line(each.fix))
        for each in findings
    ]


def well(findings: Sequence[Finding]) -> bool:
    """Whether nothing failed. What could not be checked is not counted against it, nor for it."""
    return not any(each.level is Level.FAILURE for each in findings)


def printed(findings: Sequence[Finding]) -> str:
    """One line for each, the fix below it, and how it stands in all."""
    width = max((len(each.name) for each in findings), default=0)
    lines = []
    for each in findings:
        lines.append(f"{_SHOWN[each.level]:<{_LEVEL_WIDTH}}{each.name:<{width}}  {each.did}: {each.saw}")
        if each.fix:
            lines.append(f"{'':<{_LEVEL_WIDTH + width}}  Do: {each.fix}")
    return "\n".join([*lines, "", _sum(findings)])


def record(findings: Sequence[Finding]) -> Record:
    """The same as JSON."""
    return {"well": well(findings), "findings": [asdict(each) for each in findings]}


def _sum(findings: Sequence[Finding]) -> str:
    counts = {level: sum(each.level is level for each in findings) for level in Level}
    return (
        f"{counts[Level.OK]} ok, {counts[Level.WARNING]} to look at, {counts[Level.FAILURE]} failed, "
        f"{counts[Level.UNKNOWN]} not checked"
    )
