"""The front door: what is taken, sent another way, resumed and told of."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dispatch import gates
from dispatch.budget import Budgets
from dispatch.delivery import DeliveryKind
from dispatch.errors import MoveRefused, NotAdmitted
from dispatch.faults import Fault, FaultKind
from dispatch.gates import GateState
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, HoldKind, NewTask, Outcome, Source, Task, Tier, Verdict
from dispatch.terms import Terms
from dispatch.usage import MICRO_USD, Price, Unpriced, Usage
from dispatch.worker import LEASE
from tests.fakes.clock import FakeClock
from tests.integration.front_desk import FrontDesk, front_desk

TERMS = Terms(
    DEFAULT_TABLE,
    ZoneInfo("Europe/Berlin"),
    operators_channel="COPS00001",
    budgets=Budgets(everybody=20 * MICRO_USD, urgent=2 * MICRO_USD, person=12 * MICRO_USD),
)


class Place:
    """A front desk on a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock()
        self.desk: FrontDesk = front_desk(store, self.clock, TERMS)

    async def submit(self, key: str, priority: int = 5, **more: object) -> Task:
        new = NewTask(key, Source.SLASH, "UANA00001", "words", priority, channel="CPAY00001", **more)  # type: ignore[arg-type]
        return (await self.desk.dispatcher.submit(new))[0]

    async def claim(self, tier: Tier) -> Claim:
        now = self.clock.now()
        claim = await self.store.queue.claim(tier, Seating(9), now + LEASE, now, TERMS.purse(now))
        assert claim is not None
        return claim

    async def spend(self, claim: Claim, micro_usd: int) -> None:
        now = self.clock.now()
        line = await self.store.ledger.open(claim, "m", now)
        cost = Price(micro_usd, "v")
        await self.store.ledger.book(
            line, model="m", request_id="r", usage=Usage(1, 1), price=cost, estimated=False, now=now
        )

    async def stopped_at_its_cap(self, key: str) -> Task:
        await self.submit(key)
        claim = await self.claim(Tier.SONNET)
        await self.spend(claim, claim.task.route.cap_micro_usd)
        outcome = Outcome(Verdict.FAILED, "so far", fault=Fault(FaultKind.OVER_CAP))
        return await self.store.queue.settle(claim, outcome, Settlement(State.FAILED), self.clock.now())


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path / "onequeue.db")
    yield Place(store)
    await store.close()


async def test_another_cap_is_on_top_of_what_was_spent_and_given_once(place: Place) -> None:
    task = await place.stopped_at_its_cap("a")
    with pytest.raises(MoveRefused, match=r"used its cap of \$3\.00"):
        await place.desk.dispatcher.retry(task.id, "UANA00001")
    again = await place.desk.dispatcher.another_cap(task.id, "UANA00001")
    assert (again.state, again.route.cap_micro_usd) == (State.QUEUED, 6 * MICRO_USD)
    with pytest.raises(MoveRefused, match="it has money already"):
        await place.desk.dispatcher.another_cap(task.id, "UANA00001")
    claim = await place.claim(Tier.SONNET)
    assert claim.limit_micro_usd == 6 * MICRO_USD
    with pytest.raises(MoveRefused):
        await place.desk.dispatcher.another_cap(task.id, "UANA00001")


async def test_what_a_budget_holds_can_run_on_a_cheaper_tier(place: Place) -> None:
    claims = [await place.submit(f"k{number}", 6) for number in range(5)]
    for _ in range(4):
        await place.claim(Tier.SONNET)
    now = place.clock.now()
    assert await place.store.queue.claim(Tier.SONNET, Seating(9), now + LEASE, now, TERMS.purse(now)) is None
    held = await place.store.queue.task(claims[4].id)
    assert (held.state, held.hold) == (State.HELD, HoldKind.BUDGET)
    assert held.shortage is not None
    assert held.shortage.scope == "person:UANA00001"
    moved = await place.desk.dispatcher.cheaper(held.id, "UANA00001")
    assert (moved.route.tier, moved.state, moved.priority) == (Tier.HAIKU, State.QUEUED, 6)
    with pytest.raises(MoveRefused, match="no cheaper tier"):
        await place.desk.dispatcher.cheaper(held.id, "UANA00001")


async def test_a_cap_no_day_could_hold_is_refused_with_the_limit(place: Place) -> None:
    with pytest.raises(NotAdmitted, match=r"\$19\.00 is more than a whole day's budget for all"):
        await place.submit("a", 5, cap_micro_usd=19 * MICRO_USD)
    assert (await place.submit("b", 4, cap_micro_usd=19 * MICRO_USD)).state is State.QUEUED


async def test_a_model_without_a_price_needs_one_or_a_token_cap(place: Place) -> None:
    place.desk.dispatcher._price = lambda model, _: (
        Unpriced("unknown") if model == "my-model-1" else Price(1, "v")
    )
    with pytest.raises(NotAdmitted, match=r"hold my-model-1 \(unknown\).*\[prices\].*\[token_caps\]"):
        await place.submit("a", model="my-model-1")
    place.desk.dispatcher._terms = replace(TERMS, token_caps={"my-model-1": 1000})
    assert (await place.submit("b", model="my-model-1")).route.model == "my-model-1"


async def test_a_follow_up_is_given_up_after_a_day_and_a_persons_task_is_not(place: Place) -> None:
    asked = await place.submit("a")
    claim = await place.claim(Tier.SONNET)
    assert "Queued as #2" in await place.desk.dispatcher.follow_up(claim, "look again", None)
    child = await place.store.queue.task(2)
    assert asked.expires_at is None
    assert child.expires_at == place.clock.now() + timedelta(days=1)
    place.clock.advance(timedelta(days=1))
    await place.desk.dispatcher.tend()
    assert (await place.store.queue.task(2)).state is State.EXPIRED
    kinds = {row.kind for row in await place.store.outbox.due(place.clock.now(), 9)}
    assert DeliveryKind.CARD in kinds


async def test_an_attempt_that_lost_its_lease_asks_for_nothing(place: Place) -> None:
    await place.submit("a")
    claim = await place.claim(Tier.SONNET)
    assert await place.store.queue.sweep(place.clock.now() + 2 * LEASE) == 1
    assert "this attempt is over" in await place.desk.dispatcher.follow_up(claim, "look again", None)
    await place.claim(Tier.SONNET)
    assert "this attempt is over" in await place.desk.dispatcher.follow_up(claim, "look again", None)
    assert await place.store.queue.children(claim.task.id) == 0


async def test_without_a_channel_the_log_alone_tells_a_step_once(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    books = front_desk(place.store, place.clock, replace(TERMS, operators_channel="")).books
    await place.submit("a")
    await place.spend(await place.claim(Tier.SONNET), 10 * MICRO_USD)
    for _ in range(3):
        await books.warn()
    assert [line for line in caplog.messages if "50 %" in line] == [
        "50 % of the day's budget for all is spent"
    ]
    assert not [d for d in await place.store.outbox.due(place.clock.now(), 99) if d.kind == "budget"]


async def test_each_step_of_a_budget_is_told_once_a_day(place: Place) -> None:
    await place.submit("a", 1)
    claim = await place.claim(Tier.OPUS)
    told = []
    for spent in (5, 4, 3, 5, 3):
        await place.spend(claim, spent * MICRO_USD)
        for _ in range(2):
            await place.desk.books.warn()
        notices = [d for d in await place.store.outbox.due(place.clock.now(), 99) if d.kind == "budget"]
        told.append([(json.loads(d.body)["scope"], json.loads(d.body)["step"]) for d in notices])
        for notice in notices:
            await place.store.outbox.sent(notice.id, notice.revision, "m", place.clock.now())
    person = "person:UANA00001"
    assert told == [[], [(person, 50)], [("all", 50), (person, 100)], [("all", 80)], [("all", 100)]]
    place.clock.advance(timedelta(hours=13))
    await place.desk.books.warn()
    assert not [d for d in await place.store.outbox.due(place.clock.now(), 99) if d.kind == "budget"]


async def test_an_operator_lets_a_probe_go_at_once(place: Place) -> None:
    assert await place.desk.dispatcher.resume("USAM00001") == []
    await place.submit("a", 5)
    claim = await place.claim(Tier.SONNET)
    outcome = Outcome(Verdict.FAILED, fault=Fault(FaultKind.SUSPENDED, "on hold"))
    found = gates.after({}, claim.task, outcome, place.clock.now(), 0.5)
    shut = Settlement(State.QUEUED, gates=found.gates)
    await place.store.queue.settle(claim, outcome, shut, place.clock.now())
    place.clock.advance(timedelta(days=30))
    now = place.clock.now()
    assert await place.store.queue.claim(Tier.SONNET, Seating(9), now + LEASE, now) is None
    (gate,) = await place.desk.dispatcher.resume("USAM00001")
    assert (gate.name, gate.opens_at) == ("account", now)
    assert (await place.claim(Tier.SONNET)).task.id == claim.task.id
    assert (await place.desk.dispatcher.gates())["account"].state is GateState.PROBING
    await place.desk.dispatcher.start()
    assert (await place.desk.dispatcher.gates())["account"].state is GateState.CLOSED, "its probe is lost"
