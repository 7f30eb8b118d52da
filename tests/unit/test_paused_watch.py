"""A queue that people have paused raises no alarm, but for one that reminds them after a day."""

from datetime import timedelta

import pytest

from bot.views.alert import alert
from dispatch.alarms import StillPaused
from dispatch.faults import FaultKind
from dispatch.gates import Gate, GateState
from dispatch.pauses import Paused
from dispatch.watch import GATE_PATIENCE, PAUSED_LONG, STALL, QueueReading, tells
from tests.fakes.values import NOON
from tests.unit.test_watch import OPUS, SECOND, keys, over, reading, watched

PAUSED = Paused("UANA00001", NOON)


def test_what_is_paused_has_not_stalled() -> None:
    looks = over(4 * STALL, QueueReading([OPUS], paused=PAUSED))
    assert watched(looks) == ()
    assert keys(watched(over(4 * STALL, QueueReading([OPUS])))) == ["stalled:opus"]


def test_once_it_goes_on_it_has_time_to_start() -> None:
    paused = over(4 * STALL, QueueReading([OPUS], paused=PAUSED))
    at = paused[-1].now
    assert watched([*paused, reading(at + SECOND, QueueReading([OPUS]))]) == ()


@pytest.mark.parametrize(
    ("kind", "told"), [(FaultKind.RATE_LIMITED, []), (FaultKind.AUTHENTICATION, ["gate:account"])]
)
def test_a_gate_that_only_time_would_open_is_none_but_a_refused_key_is(
    kind: FaultKind, told: list[str]
) -> None:
    gates = {"account": Gate("account", GateState.CLOSED, kind, closed_at=NOON)}
    queue = QueueReading([OPUS], gates=gates, paused=PAUSED)
    assert keys(watched([reading(NOON + 2 * GATE_PATIENCE, queue)])) == told


@pytest.mark.parametrize("late", [False, True])
def test_after_a_day_people_are_reminded(late: bool) -> None:
    at = NOON + PAUSED_LONG + (SECOND if late else timedelta(0))
    alarms = watched([reading(at, QueueReading([OPUS], paused=PAUSED))])
    assert alarms == ((StillPaused(NOON, 4),) if late else ())


def test_what_it_says() -> None:
    said = alert(StillPaused(NOON, 4), NOON + PAUSED_LONG).text
    assert said == "The queue is paused for 1 d while 4 tasks wait. Do: `/task resume` lets it go on."
    assert not tells(reading(queue=None), "paused")
