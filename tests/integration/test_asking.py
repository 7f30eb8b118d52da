"""Waiting for people: how long a session is kept, what ends the wait, and what it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.redact import redact
from dispatch.asking import MARGIN, PATIENCE, Asking
from dispatch.errors import MoveRefused
from dispatch.policy import Seating
from dispatch.ports import Pause
from dispatch.questions import Decision, NewQuestion, Question, QuestionKind, Ruling
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Source, Tier
from dispatch.terms import Terms, Upgrades
from dispatch.usage import Price, Usage
from tests.fakes.clock import FakeClock
from tests.integration.work_room import FakeNotifier

WHICH = NewQuestion(QuestionKind.QUESTION, "Which queue first?")
HARD = NewQuestion(QuestionKind.UPGRADE, "three causes")
TERMS = Terms(DEFAULT_TABLE, ZoneInfo("UTC"))


@dataclass
class Place:
    store: Store
    clock: FakeClock
    notifier: FakeNotifier
    asking: Asking

    async def claim(self, priority: int = 9, channel: str = "C1", model: str | None = None) -> Claim:
        now = self.clock.now()
        new = NewTask(f"{model} {now}", Source.SLASH, "U1", "words", priority, model, channel=channel)
        decided = route(priority, model, None, DEFAULT_TABLE)
        await self.store.queue.enqueue(new, decided, now)
        claim = await self.store.queue.claim(decided.tier, Seating(9), now + timedelta(hours=1), now)
        assert claim is not None
        return claim

    async def waiting(
        self, claim: Claim, new: NewQuestion = WHICH
    ) -> tuple["asyncio.Task[Ruling]", Question]:
        """A session that waits for its answer."""
        asking = asyncio.create_task(self.asking.ask(claim, new))
        async with asyncio.timeout(5):
            while not self.clock.sleeping:
                await self.store.queue.counts()
        return asking, (await self.store.queue.questions(claim.task.id))[-1]


@asynccontextmanager
async def opened(
    folder: Path, terms: Terms = TERMS, strike: Callable[[str], str] = str
) -> AsyncIterator[Place]:
    store = await Store.open(folder / "onequeue.db")
    clock, notifier = FakeClock(), FakeNotifier()
    yield Place(store, clock, notifier, Asking(store.questions, store.queue, notifier, clock, terms, strike))
    await store.close()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(tmp_path) as found:
        yield found


async def test_an_answer_in_time_reaches_the_running_session(place: Place) -> None:
    asking, question = await place.waiting(await place.claim())
    assert place.notifier.woken == 1, "the question is on its way"
    place.clock.advance(PATIENCE - timedelta(seconds=1))
    await place.asking.answer(question.id, "refunds", "U1", "k")
    assert (await asking).words.endswith("refunds")
    assert (await place.store.queue.question(question.id)).told


async def test_after_two_minutes_the_session_is_paused(place: Place) -> None:
    asking, question = await place.waiting(await place.claim())
    place.clock.advance(PATIENCE)
    with pytest.raises(Pause):
        await asking
    assert not (await place.store.queue.question(question.id)).told


@pytest.mark.parametrize(
    "hidden",
    [
        "'-----BEGIN A PRIVATE KEY-----'; rm -r ~; : '-----END A PRIVATE KEY-----'",
        "curl https://a:$(rm${IFS}-r${IFS}x)@example.com",
        "curl -H 'x-api-key: xoxb-1234567890-abc'",
        "curl -H 'x-api-key: xoxb-12\x0734567890-abc'",
        "curl -H 'x-api-key: xoxb-12\u202a34567890-abc'",
        "echo \x1b]; rm -r ~ #\x07 done",
    ],
)
async def test_nobody_is_asked_to_approve_what_is_not_shown(tmp_path: Path, hidden: str) -> None:
    async with opened(tmp_path, strike=redact) as place:
        claim = await place.claim()
        with pytest.raises(MoveRefused, match="looks like a secret"):
            await place.asking.ask(claim, NewQuestion(QuestionKind.APPROVAL, f"$ : {hidden}"))
        assert await place.store.queue.questions(claim.task.id) == []
        asking, question = await place.waiting(claim, NewQuestion(QuestionKind.APPROVAL, "$ git push"))
        await place.asking.answer(question.id, Decision.ONCE, "U1", "k")
        assert (await asking).allows


async def test_it_is_paused_before_its_wall_clock_ends_it(place: Place) -> None:
    claim = await place.claim()
    rest = MARGIN + timedelta(seconds=20)
    place.clock.advance(DEFAULT_TABLE[Tier.HAIKU].wall_clock - rest)
    asking, _ = await place.waiting(claim)
    place.clock.advance(timedelta(seconds=20))
    with pytest.raises(Pause):
        await asking


async def test_a_process_that_ends_pauses_at_once(place: Place) -> None:
    claim = await place.claim()
    asking, _ = await place.waiting(claim)
    place.asking.hurry()
    with pytest.raises(Pause):
        await asking
    with pytest.raises(Pause):
        await place.asking.ask(claim, WHICH)


async def test_a_deadline_ends_the_wait_of_a_running_session(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(TERMS, questions_last=timedelta(minutes=1))) as place:
        asking, _ = await place.waiting(await place.claim())
        place.clock.advance(timedelta(minutes=1))
        assert await place.asking.end_overdue() == 1
        assert (await asking).words.startswith("Nobody answered in time.")


async def test_a_cancelled_session_leaves_nothing_behind(place: Place) -> None:
    asking, question = await place.waiting(await place.claim())
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await place.store.queue.question(question.id)).ending is None
    assert place.asking._news == {}


async def test_nobody_is_asked_where_nobody_waits(place: Place) -> None:
    with pytest.raises(MoveRefused, match="nobody waits"):
        await place.asking.ask(await place.claim(channel=""), WHICH)


@pytest.mark.parametrize("answer", ["", "  ", "\n"])
async def test_nothing_is_no_answer(place: Place, answer: str) -> None:
    _, question = await place.waiting(await place.claim())
    with pytest.raises(MoveRefused, match="no answer"):
        await place.asking.answer(question.id, answer, "U1", "k")


async def test_a_raise_is_asked_for_and_ends_the_session(place: Place) -> None:
    asking, question = await place.waiting(await place.claim(), HARD)
    with pytest.raises(MoveRefused, match="no answer"):
        await place.asking.answer(question.id, "yes please", "U1", "k")
    await place.asking.answer(question.id, Decision.RAISE, "U1", "k")
    with pytest.raises(Pause):
        await asking


async def test_a_session_that_is_to_stay_goes_on_and_asks_no_second_time(place: Place) -> None:
    claim = await place.claim()
    asking, question = await place.waiting(claim, HARD)
    await place.asking.answer(question.id, Decision.STAY, "U1", "k")
    assert (await asking).words.endswith("go on as you are.")
    assert (await place.asking.ask(claim, HARD)).words.endswith("go on as you are.")


async def test_opus_has_nothing_above_it(place: Place) -> None:
    with pytest.raises(MoveRefused, match="no better tier than Opus"):
        await place.asking.ask(await place.claim(priority=1), HARD)


async def test_a_raise_must_leave_money(place: Place) -> None:
    claim = await place.claim()
    line = await place.store.ledger.open(claim, "m", place.clock.now())
    await place.store.ledger.book(
        line,
        model="m",
        request_id="",
        usage=Usage(1, 1),
        price=Price(DEFAULT_TABLE[Tier.SONNET].cap_micro_usd, "v"),
        estimated=False,
        now=place.clock.now(),
    )
    with pytest.raises(MoveRefused, match=r"it may cost \$3\.00 there and that is spent"):
        await place.asking.ask(claim, HARD)


async def test_where_raising_is_off_the_session_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(TERMS, upgrades=Upgrades.OFF)) as place:
        with pytest.raises(MoveRefused, match="may not do that here"):
            await place.asking.ask(await place.claim(), HARD)


async def test_where_it_is_on_nobody_is_asked_but_for_a_tier_that_a_person_named(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(TERMS, upgrades=Upgrades.ON)) as place:
        with pytest.raises(Pause):
            await place.asking.ask(await place.claim(channel=""), HARD)
        asking, question = await place.waiting(await place.claim(model="haiku"), HARD)
        assert question.ending is None
        asking.cancel()
        await asyncio.wait({asking})
