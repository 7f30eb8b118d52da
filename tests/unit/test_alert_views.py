"""The words of alarms: every one says what, why and what to do, and pings nobody."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views import gate
from bot.views.alert import acknowledged_before, alert, recovery, reminder, worded
from dispatch.alarms import (
    Alarm,
    Deaf,
    Disk,
    DiskLow,
    LineDown,
    ManyTokens,
    Overdue,
    Shut,
    Stalled,
    StoreRefuses,
)
from dispatch.faults import FaultKind
from dispatch.gates import ACCOUNT, Gate, GateState
from dispatch.ports import OpenAlarm
from dispatch.task import Tier
from tests.fakes.values import NOON, make_task

MINUTE = timedelta(minutes=1)
LATER = NOON + 12 * MINUTE
TASK = make_task(42, 2)
KEY_REFUSED = Gate(
    ACCOUNT,
    GateState.CLOSED,
    FaultKind.AUTHENTICATION,
    "invalid x-api-key",
    closed_at=NOON,
    opens_at=LATER + MINUTE,
)
ALARMS: list[Alarm] = [
    Stalled(Tier.OPUS, TASK, NOON, 4),
    Overdue(TASK, 30 * MINUTE, NOON),
    Shut(KEY_REFUSED, NOON, 4),
    Deaf(2, NOON),
    LineDown(1, 2, NOON),
    DiskLow(Disk(120_000_000, 30_000_000_000), NOON),
    StoreRefuses("onequeue.db: The disk is full.", NOON, 1),
    ManyTokens(TASK, 2_100_000, 2_000_000, NOON),
]
HOSTILE = "<!channel> <@UANA00001> @here *bold* `code` \x1b[31m " + "&" * 9000


def words(alarm: Alarm) -> str:
    """The main block as it is sent."""
    return str(alert(alarm, LATER).blocks[0]["text"]["text"])


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.key)
def test_every_alarm_says_what_why_and_what_to_do(alarm: Alarm) -> None:
    message = alert(alarm, LATER)
    gate.check(message)
    head, why, do = words(alarm).split("\n")
    assert head.startswith(":rotating_light: *")
    assert why.startswith("Why: ")
    assert do.startswith("Do: ")
    (button,) = message.blocks[-1]["elements"]
    assert (button["action_id"], button["value"]) == ("acknowledge_alarm", alarm.key)


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.key)
def test_what_is_acknowledged_or_over_has_no_button(alarm: Alarm) -> None:
    taken = alert(alarm, LATER, acknowledged_by="ana <@UANA00001>")
    over = alert(alarm, LATER, over_at=LATER)
    for message in (taken, over):
        gate.check(message)
        assert not [block for block in message.blocks if block["type"] == "actions"]
    assert "Acknowledged by ana" in taken.blocks[1]["elements"][0]["text"]
    assert str(over.blocks[0]).count(":white_check_mark:") == 1


def test_a_stall_is_said_with_its_numbers() -> None:
    head = "Opus has started no task for 12 min while 4 wait (first in line: #42, p2)"
    assert worded(ALARMS[0], LATER).head == head


def test_a_refused_key_names_the_setting_and_the_verb() -> None:
    said = worded(Shut(KEY_REFUSED, NOON, 4), LATER)
    assert said.head == "Claude refuses our key: nothing starts while 4 tasks wait"
    assert "ANTHROPIC_API_KEY" in said.do
    assert said.do.index("ANTHROPIC_API_KEY") < said.do.index("/task resume")
    assert "invalid x-api-key" in said.why


@pytest.mark.parametrize("kind", FaultKind)
def test_every_fault_at_a_gate_has_words(kind: FaultKind) -> None:
    said = worded(Shut(replace(KEY_REFUSED, name="opus", fault=kind, detail=""), NOON, 0), LATER)
    assert said.do.endswith(".")
    assert "()" not in said.why
    assert said.head.endswith(": Opus starts nothing")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": GateState.PROBING, "probe": 7}, "One task is trying it now."),
        ({"opens_at": None}, "None is tried before somebody says so."),
        ({"opens_at": LATER}, "The next task tries it."),
        ({}, "One task tries it at <!date^"),
    ],
)
def test_a_gate_says_when_it_is_tried(changes: dict[str, object], said: str) -> None:
    gate_now = replace(KEY_REFUSED, **changes)  # type: ignore[arg-type]
    assert said in worded(Shut(gate_now, NOON, 0), LATER).why


@given(st.text(max_size=400) | st.just(HOSTILE))
def test_strangers_words_in_an_alarm_ping_nobody_and_fit(text: str) -> None:
    shut = Shut(replace(KEY_REFUSED, detail=text), NOON, 1)
    for alarm in (shut, StoreRefuses(text, NOON, 1)):
        for message in (alert(alarm, LATER), alert(alarm, LATER, acknowledged_by=text or "x")):
            gate.check(message)
            assert len(message.text) <= 3_900
            assert len(words(alarm)) <= 3_000
    assert "<@" not in acknowledged_before(text)


def test_a_reminder_says_how_long_and_how_many() -> None:
    message = reminder(ALARMS[0], NOON, NOON + 45 * MINUTE)
    gate.check(message)
    assert message.text.startswith("Still so after 45 min. 4 tasks wait. ")


@pytest.mark.parametrize(
    ("key", "expired", "said"),
    [
        ("gate:account", 0, "Recovered at {} after 28 min. 4 tasks delayed, 0 expired."),
        ("gate:account", None, "Recovered at {} after 28 min. 4 tasks delayed."),
        ("overdue:42:1", 1, "The session ended at {} after 28 min. 4 tasks delayed, 1 expired."),
    ],
)
def test_a_recovery_says_what_it_cost(key: str, expired: int | None, said: str) -> None:
    end = NOON + 28 * MINUTE
    message = recovery(OpenAlarm(key, NOON, delayed=4), end, expired)
    gate.check(message)
    assert message.text == said.format(f"<!date^{int(end.timestamp())}^{{time}}|12:28 UTC>")
