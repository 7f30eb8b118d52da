"""Text that no file can hold: an answer that has it is stored all the same, and paid for once."""

from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.faults import Fault, FaultKind
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import NewTask, Outcome, Source, Tier, Verdict
from tests.fakes.values import NOON


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("all \ud83d\ude00 of it", "all \U0001f600 of it"),
        ("half \ud83d", "half \ufffd"),
        ("\ude00 caf\u00e9", "\ufffd caf\u00e9"),
    ],
)
async def test_half_a_character_costs_no_answer(tmp_path: Path, text: str, kept: str) -> None:
    store = await Store.open(tmp_path / "onequeue.db")
    new = NewTask("k", Source.SLASH, "U1", "words", 9, None, channel="C1")
    await store.queue.enqueue(new, route(9, None, None, DEFAULT_TABLE), NOON)
    claim = await store.queue.claim(Tier.HAIKU, Seating(9), NOON + timedelta(minutes=1), NOON)
    assert claim is not None
    fault = Fault(FaultKind.INCOMPLETE, text)
    await store.queue.settle(claim, Outcome(Verdict.FAILED, text, "m", fault), Settlement(State.PARKED), NOON)
    (attempt,) = await store.queue.attempts(1)
    assert attempt.fault is not None
    assert (attempt.text, attempt.fault.detail) == (kept, kept)
    await store.close()
