"""A task whose words are no longer kept says so wherever its words would be."""

from collections import Counter
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from bot.printing import PRINTERS
from bot.records import digest_record, full_record, task_record
from bot.views.bulletin import bulletin
from bot.views.card import card
from bot.views.texts import listed, shown
from dispatch.digest import DayBar, Digest, Money, TierLine
from dispatch.faults import Fault, FaultKind
from dispatch.states import State
from dispatch.task import Attempt, Task, Tier, Verdict
from tests.fakes.values import NOON, make_task

UTC = ZoneInfo("UTC")
DAY = date(2026, 8, 1)
SAYS = "its words are no longer kept"


@pytest.fixture
def task() -> Task:
    return make_task(42, 3, state=State.FAILED, words="", forgotten=True, finished_at=NOON)


@pytest.fixture
def attempt() -> Attempt:
    return Attempt(
        task_id=42,
        number=1,
        model="claude-opus-5-5",
        started_at=NOON,
        ended_at=NOON,
        verdict=Verdict.FAILED,
        fault=Fault(FaultKind.INVALID_REQUEST, ""),
        ran_model=None,
        text="",
        progress="",
        cost_micro_usd=930_000,
        unpriced=0,
        prompt_tokens=1,
        output_tokens=1,
    )


def digest_of(task: Task) -> Digest:
    return Digest(
        first=DAY,
        last=DAY,
        total=Money(930_000),
        tiers=(TierLine(Tier.OPUS, 1, Money(930_000)),),
        ended=Counter({State.FAILED: 1}),
        open=0,
        dearest=((task, Money(930_000)),),
        undelivered=Money(930_000),
        undelivered_attempts=1,
        all_opus_micro_usd=930_000,
        chart=(DayBar(DAY, {}),),
    )


def test_slack_is_told(task: Task, attempt: Attempt) -> None:
    lines = shown(task, [attempt]).splitlines()
    assert lines[1] == f"_{SAYS}_"
    assert "Claude could not accept the request · " in lines[3]
    assert SAYS in listed([task], 9)
    assert SAYS in card(task, [attempt], NOON).text


def test_a_digest_names_it_all_the_same(task: Task) -> None:
    told = bulletin(digest_of(task), {42: ""}, so_far=False)
    assert f"#42 $0.93 · Opus · _{SAYS}_" in str(told.blocks)


def test_the_command_line_is_told(task: Task, attempt: Attempt) -> None:
    record = full_record(task, [attempt], ())
    assert (record["words"], record["forgotten"], record["answer"]) == ("", True, None)
    printed = PRINTERS["show"](record, UTC).splitlines()
    assert printed[0].startswith("#42  p3  opus  failed")
    assert SAYS not in printed[0]
    assert printed[4] == f"({SAYS})"
    assert PRINTERS["retry"](task_record(task), UTC).endswith(f"({SAYS})")
    digest = PRINTERS["digest"](digest_record(digest_of(task)), UTC)
    assert f"#42  $0.93  ({SAYS})" in digest


def test_words_that_are_kept_are_shown(attempt: Attempt) -> None:
    kept = make_task(42, 3, state=State.FAILED, finished_at=NOON)
    assert SAYS not in shown(kept, [attempt])
    assert SAYS not in PRINTERS["show"](full_record(kept, [attempt], ()), UTC)
