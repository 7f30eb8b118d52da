"""How many p1, p2 and Opus tasks one person may have a day: counted where it is stored what made them so."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dispatch.dispatcher import Dispatcher
from dispatch.errors import MoveRefused, NotAdmitted
from dispatch.policy import Ration, Rationed, Seating
from dispatch.questions import Decision, NewQuestion, QuestionKind
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.store.statements import migrations
from dispatch.task import Claim, NewTask, Source, Task, Tier
from dispatch.terms import Terms
from tests.fakes.clock import FakeClock
from tests.fakes.values import NOON
from tests.integration.front_desk import front_desk

ANA, SAM = "UANA00001", "USAM00001"
TERMS = Terms(DEFAULT_TABLE, ZoneInfo("Europe/Berlin"), urgent_a_day=2, opus_a_day=3)


class Place:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock()
        self.asked = 0

    def desk(self, terms: Terms = TERMS) -> Dispatcher:
        return front_desk(self.store, self.clock, terms).dispatcher

    async def ask(self, priority: int, who: str = ANA, **changes: Any) -> Task:
        self.asked += 1
        new = NewTask(f"slash:{self.asked}", Source.SLASH, who, "words", priority, channel="COPS00001")
        return (await self.desk().submit(replace(new, **changes)))[0]

    async def claim(self, tier: Tier) -> Claim:
        now = self.clock.now()
        claim = await self.store.queue.claim(tier, Seating(9), now + timedelta(hours=1), now)
        assert claim is not None
        return claim


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path / "onequeue.db")
    yield Place(store)
    await store.close()


async def test_each_has_so_many_a_day_of_each_kind(place: Place) -> None:
    await place.ask(1)
    await place.ask(2, model="haiku")
    with pytest.raises(
        NotAdmitted, match=r"you have asked for 2 of p1 or p2 today, and 2 is the most .* `p3`"
    ):
        await place.ask(1, model="haiku")
    await place.ask(3)
    await place.ask(9, model="opus")
    with pytest.raises(NotAdmitted, match="asked for 3 on Opus today, and 3 is the most"):
        await place.ask(4)
    await place.ask(5)
    await place.ask(2, who=SAM)
    assert len(await place.store.queue.open_tasks(100)) == 6, "what was refused is not there"


async def test_the_same_request_again_is_known_and_counts_once(place: Place) -> None:
    for _ in range(5):
        place.asked = 0
        assert (await place.ask(1)).id == 1


async def test_many_at_once_get_no_more(place: Place) -> None:
    asked = await asyncio.gather(*(place.ask(1) for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(one, Task) for one in asked) == 2
    assert sum(isinstance(one, NotAdmitted) for one in asked) == 10


async def test_the_day_is_the_teams(place: Place) -> None:
    place.clock.advance(timedelta(hours=10, minutes=59))
    for _ in range(2):
        await place.ask(1)
    with pytest.raises(NotAdmitted):
        await place.ask(1)
    place.clock.advance(timedelta(minutes=1))
    await place.ask(1)


async def test_a_cancelled_one_counts_and_the_command_line_is_not_counted_out(place: Place) -> None:
    for _ in range(2):
        await place.desk().cancel((await place.ask(1)).id, ANA)
    with pytest.raises(NotAdmitted):
        await place.ask(1)
    for number in range(4):
        await place.desk().submit(NewTask(f"cli:{number}", Source.CLI, "cli:ana", "words", 1))


async def test_what_a_session_asks_for_counts_too(place: Place) -> None:
    await place.ask(3)
    claim = await place.claim(Tier.OPUS)
    said = [await place.desk().follow_up(claim, f"more {number}", 3) for number in range(3)]
    assert [text.split(":")[0] for text in said] == ["Queued as #2", "Queued as #3", "Not queued"]
    history = await place.desk().history(2)
    assert [(step.actor, step.detail) for step in history] == [("onequeue", "follow-up of #1")]


async def test_another_model_later_counts_and_only_an_operator_gets_past_that(place: Place) -> None:
    for _ in range(3):
        await place.ask(4)
    task = await place.ask(5)
    now, better = place.clock.now(), route(5, "opus", None, DEFAULT_TABLE)
    ration = TERMS.ration(now)
    reroute = place.store.queue.reroute
    with pytest.raises(MoveRefused, match="Nothing done: you have asked for 3 on Opus today"):
        await reroute(task.id, "opus", None, better, ANA, now, ration)
    assert (await place.store.queue.task(task.id)).route.tier is Tier.SONNET
    assert (await reroute(task.id, "opus", None, better, SAM, now, ration)).route.tier is Tier.OPUS
    await reroute(task.id, "opus", 1, better, ANA, now, ration)


@pytest.mark.parametrize("person", [ANA, SAM], ids=["requester", "operator"])
async def test_an_answer_that_raises_a_task_counts_before_it_goes_there(place: Place, person: str) -> None:
    await place.ask(3)
    await place.ask(3)
    for _ in range(2):
        await place.ask(5)
        claim = await place.claim(Tier.SONNET)
        better = route(5, "opus", None, DEFAULT_TABLE)
        await place.store.questions.ask(
            claim,
            NewQuestion(QuestionKind.UPGRADE, "it is hard", route=better),
            place.clock.now() + timedelta(hours=4),
            place.clock.now(),
        )
    await place.desk().answer(1, Decision.RAISE, person, "k1")
    if person == SAM:
        assert (await place.desk().answer(2, Decision.RAISE, person, "k2")).raises
        return
    with pytest.raises(MoveRefused, match="asked for 3 on Opus today"):
        await place.desk().answer(2, Decision.RAISE, person, "k2")
    assert (await place.store.queue.question(2)).ending is None
    await place.desk().answer(2, Decision.STAY, person, "k3")


async def test_without_a_number_nothing_is_counted_out(place: Place) -> None:
    desk = place.desk(replace(TERMS, urgent_a_day=None, opus_a_day=None))
    for number in range(9):
        await desk.submit(NewTask(f"free:{number}", Source.SLASH, ANA, "words", 1))
    with pytest.raises(NotAdmitted, match="asked for 9 of p1 or p2 today, and 2 is the most"):
        await place.ask(1)


def test_a_number_of_one_kind_leaves_the_other_open() -> None:
    assert Ration(NOON, urgent=1).refusal(Rationed.OPUS, 99) is None
    assert Ration(NOON, urgent=1).refusal(Rationed.URGENT, 1) is None
    assert Ration(NOON, urgent=1).refusal(Rationed.URGENT, 2) is not None


async def same(place: Place, priority: int = 1, who: str = ANA) -> Task:
    """The same words once more; from the second time on it is held and asked about."""
    return await place.ask(priority, who, words="investigate stall", unless_alike=True)


async def test_what_follows_another_does_not_count(place: Place) -> None:
    await same(place)
    for _ in range(5):
        task = await same(place)
        assert task.alike == 1
        await place.desk().follow(task.id, ANA)
    await place.ask(1)
    with pytest.raises(NotAdmitted, match="asked for 2 of p1 or p2 today"):
        await place.ask(1)


@pytest.mark.parametrize("way", ["retry", "tier_up"])
async def test_what_runs_after_all_counts_from_then_on(place: Place, way: str) -> None:
    desk = place.desk(replace(TERMS, urgent_a_day=2, opus_a_day=9))
    await same(place)
    task = await same(place, 1)
    await desk.follow(task.id, ANA)
    await place.ask(1)
    if way == "tier_up":
        raised = route(1, "opus", None, DEFAULT_TABLE)
        now = place.clock.now()
        again = place.store.queue.reroute(task.id, "opus", None, raised, ANA, now, TERMS.ration(now))
    else:
        again = desk.retry(task.id, ANA)
    with pytest.raises(MoveRefused, match="Nothing done: you have asked for 2 of p1 or p2 today"):
        await again
    stored = await place.store.queue.task(task.id)
    assert (stored.state, stored.follows) == (State.CANCELLED, 1)
    place.clock.advance(timedelta(days=1))
    await desk.retry(task.id, ANA)
    await place.ask(2)
    with pytest.raises(NotAdmitted, match="asked for 2 of p1 or p2 today"):
        await place.ask(2)


async def test_an_operator_lets_it_run_after_all(place: Place) -> None:
    await same(place)
    task = await same(place)
    await place.desk().follow(task.id, ANA)
    await place.ask(1)
    assert (await place.desk().retry(task.id, SAM)).state is State.QUEUED


async def test_a_retry_of_what_has_counted_counts_no_more(place: Place) -> None:
    for _ in range(2):
        await place.ask(1)
    await place.desk().cancel(1, ANA)
    assert (await place.desk().retry(1, ANA)).state is State.QUEUED


_FOLLOWED = """
INSERT INTO task (
    id, state, request_key, source, requester, words, priority, tier, model, reason, cap_micro_usd, channel,
    quote_thread, depth, rank, created_at, updated_at, follows
) VALUES
    (1, 'queued', 'k1', 'slash', 'U1', 'w', 1, 'opus', 'm', 'r', 1, 'C1', 0, 0, 1, 5, 5, NULL),
    (2, 'queued', 'k2', 'slash', 'U1', 'w', 1, 'opus', 'm', 'r', 1, 'C1', 0, 0, 1, 5, 5, 1)
"""


async def test_what_followed_before_counts_no_more_either(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    old = next(number for number, text in enumerate(migrations()) if "task_follows_another" in text)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for script in migrations()[:old]:
            raw.executescript(script)
        raw.execute(_FOLLOWED)
        raw.execute(f"PRAGMA user_version = {old}")
        assert raw.execute("SELECT count(*) FROM rationed").fetchone() == (4,)
    await (await Store.open(path)).close()
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT DISTINCT task_id FROM rationed").fetchall() == [(1,)]
