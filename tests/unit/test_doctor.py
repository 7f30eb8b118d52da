"""The doctor's own judgement: disk, money, zone, timeouts and agents, and how findings are shown."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.doctor import line, machine
from bot.doctor.examination import examine
from bot.doctor.finding import Finding, Level, failure, in_one_line, ok, unknown, warning
from bot.doctor.ports import Vital
from bot.doctor.report import printed, record, safe, well
from dispatch.alarms import Disk
from dispatch.budget import ALL, Budgets, Standing
from dispatch.ports import Condition
from dispatch.usage import MICRO_USD
from dispatch.watch import FREE_BYTES, MEGABYTE
from tests.fakes.leaping import LeapingClock

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
FINDINGS = [
    ok("zone", "read", "UTC"),
    warning("disk", "measured", "little", "Make room"),
    failure("slack token", "asked", "refused", "Put it right"),
    unknown("command", "looked", "not checked: no", "Type it"),
]


def test_findings_are_aligned_and_each_fix_stands_below_its_own() -> None:
    assert printed(FINDINGS).splitlines() == [
        "ok    zone         read: UTC",
        "warn  disk         measured: little",
        "                   Do: Make room",
        "FAIL  slack token  asked: refused",
        "                   Do: Put it right",
        "?     command      looked: not checked: no",
        "                   Do: Type it",
        "",
        "1 ok, 1 to look at, 1 failed, 1 not checked",
    ]


def test_findings_are_json_as_they_are() -> None:
    shown = json.loads(json.dumps(record(FINDINGS)))
    assert shown["well"] is False
    assert shown["findings"][1] == {
        "name": "disk",
        "level": "warning",
        "did": "measured",
        "saw": "little",
        "fix": "Make room",
    }


@pytest.mark.parametrize("level", Level)
def test_only_a_failure_is_not_well(level: Level) -> None:
    assert well([Finding("x", level, "", "", "")]) is (level is not Level.FAILURE)


def test_nothing_shown_holds_a_secret() -> None:
    (found,) = safe([failure("a", "b xoxb-1234567890-abc", "the-secret here", "two\nlines")], ["the-secret"])
    assert found == failure("a", "b [redacted]", "[redacted] here", "two lines")


@pytest.mark.parametrize(
    ("text", "line"),
    [("one", "one"), ("missing:\n  A (or a)\n  B", "missing: A (or a); B"), ("", "")],
)
def test_a_list_becomes_one_line(text: str, line: str) -> None:
    assert in_one_line(text) == line


async def test_a_check_that_breaks_breaks_no_other() -> None:
    async def breaks() -> list[Finding]:
        raise KeyError("channel")

    async def works() -> list[Finding]:
        return [ok("zone", "read", "UTC")]

    broken, fine = await examine({"first": breaks, "second": works})
    assert (broken.name, broken.level) == ("first", Level.FAILURE)
    assert "KeyError" in broken.saw
    assert fine.level is Level.OK


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (Disk(50_000 * MEGABYTE, 100_000 * MEGABYTE), Level.OK),
        (Disk(1_500 * MEGABYTE, 100_000 * MEGABYTE), Level.WARNING),
        (Disk(0, 100_000 * MEGABYTE), Level.FAILURE),
        (Disk(FREE_BYTES - 1, 1_000 * MEGABYTE), Level.FAILURE),
        (None, Level.FAILURE),
    ],
)
async def test_a_full_disk(found: Disk | None, level: Level) -> None:
    (finding,) = await machine.disk(lambda: found, FREE_BYTES)
    assert finding.level is level
    assert bool(finding.fix) is (level is not Level.OK)


@pytest.mark.parametrize(
    ("spent", "reserved", "level", "said"),
    [
        (20, 5, Level.OK, "$20.00 of today's $50.00 spent, $5.00 reserved, $25.00 left, $8.00 of it kept"),
        (40, 2, Level.WARNING, "$8.00 left"),
        (60, 0, Level.WARNING, "$0.00 left"),
    ],
)
async def test_the_days_money(spent: int, reserved: int, level: Level, said: str) -> None:
    async def standing() -> Standing:
        return Standing({ALL: spent * MICRO_USD}, {ALL: reserved * MICRO_USD}, NOON)

    (found,) = await machine.budget(Budgets(50 * MICRO_USD, 8 * MICRO_USD), standing)
    assert found.level is level
    assert said in found.saw
    (none,) = await machine.budget(Budgets(None), standing)
    assert "budgets.day_usd" in none.fix


@pytest.mark.parametrize(
    ("team", "hour", "told"),
    [
        ("Europe/Berlin", datetime(2026, 3, 20, 0, 30), "29 March 2026"),
        ("Europe/Berlin", datetime(2026, 3, 20, 12, 0), "29 March 2026"),
        ("Europe/Berlin", datetime(2026, 3, 29, 0, 30), "29 March 2026"),
        ("Europe/Berlin", datetime(2026, 3, 29, 3, 30), "25 October 2026"),
        ("Europe/Berlin", datetime(2026, 10, 25, 0, 30), "25 October 2026"),
        ("America/Havana", datetime(2026, 3, 1, 0, 30), "08 March 2026"),
        ("America/Havana", datetime(2026, 10, 20, 0, 30), "01 November 2026"),
    ],
)
async def test_the_day_of_the_change_is_named_at_any_hour(team: str, hour: datetime, told: str) -> None:
    (found,) = await machine.zone(ZoneInfo(team), hour.replace(tzinfo=ZoneInfo(team)))
    assert found.saw.endswith(f"clocks change on {told}")


async def test_the_zone_says_when_its_clocks_change() -> None:
    (berlin,) = await machine.zone(ZoneInfo("Europe/Berlin"), NOON)
    assert berlin == ok(
        "zone",
        "read the settings",
        "Europe/Berlin, where it is 14:00 (UTC+0200); clocks change on 25 October 2026",
    )
    (tokyo,) = await machine.zone(ZoneInfo("Asia/Tokyo"), NOON)
    assert tokyo.saw.endswith("its clocks never change")
    (utc,) = await machine.zone(ZoneInfo("UTC"), NOON)
    assert utc.level is Level.WARNING


async def test_each_timeout_that_does_not_fit_is_named() -> None:
    found = await machine.timeouts(["a is too short", "b is too long"])
    assert [(each.level, each.fix) for each in found] == [
        (Level.FAILURE, "a is too short"),
        (Level.FAILURE, "b is too long"),
    ]
    assert (await machine.timeouts([]))[0].level is Level.OK


@pytest.mark.parametrize(
    ("version", "shut_in", "bare", "levels"),
    [
        ("2.1.0", True, False, [Level.OK, Level.OK]),
        ("", True, False, [Level.FAILURE, Level.OK]),
        ("2.1.0", False, False, [Level.OK, Level.FAILURE]),
        ("2.1.0", False, True, [Level.OK, Level.WARNING]),
    ],
)
async def test_agents(version: str, shut_in: bool, bare: bool, levels: list[Level]) -> None:
    async def program() -> str:
        return version

    async def isolation() -> tuple[bool, str]:
        return shut_in, "each session in a jail" if shut_in else "bwrap not found"

    assert [each.level for each in await machine.agents(program, isolation, bare)] == levels


@pytest.mark.parametrize(
    ("found", "level", "said"),
    [
        (Condition("3.45", 7, 7, "wal", "ok"), Level.OK, "sound"),
        (Condition("3.45", 7, 7, "delete", "ok"), Level.WARNING, "mode delete"),
        (Condition("3.45", 7, 7, "wal", None), Level.UNKNOWN, "not checked for damage"),
        (Condition("3.45", 7, 7, "wal", "row 5 missing"), Level.FAILURE, "row 5 missing"),
        (Condition("3.45", 7, error="it is a folder."), Level.FAILURE, "it is a folder."),
    ],
)
async def test_the_database_as_it_was_found(found: Condition, level: Level, said: str) -> None:
    async def condition() -> Condition:
        return found

    (finding,) = await machine.database(condition, answers=False)
    assert finding.level is level
    assert said in finding.saw


class Silent:
    """A Slack that is not asked for anything."""


class Running:
    """A running Onequeue with so many lines up."""

    def __init__(self, connected: int) -> None:
        self._vital = Vital(connected, NOON)

    async def vital(self) -> Vital:
        return self._vital


@pytest.mark.parametrize(
    ("up", "lines", "level", "said"),
    [
        (2, 2, Level.OK, "2 of 2 connected"),
        (1, 2, Level.WARNING, "1 of 2 connected"),
        (0, 2, Level.FAILURE, "0 of 2 connected"),
        (1, 1, Level.OK, "it listens"),
        (0, 1, Level.FAILURE, "it does not listen"),
    ],
)
async def test_the_lines_of_a_running_onequeue(up: int, lines: int, level: Level, said: str) -> None:
    nowhere = line.Place("", "", frozenset())
    slack: Any = Silent()
    found, events = await line.of_running(Running(up), slack, nowhere, LeapingClock(), lines)
    assert (found.level, found.saw) == (level, f"{said}; Slack was last heard at 12:00:00 UTC")
    assert events.level is Level.UNKNOWN
    assert "operators.people" in events.fix
