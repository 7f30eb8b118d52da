"""A session whose happenings are taken down: what is stored when, and what becomes of trouble."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from dispatch.errors import StoreBusy
from dispatch.ports import Access, Recorder, Session
from dispatch.runners.transcribed import BATCH, STORED_EACH, Transcribed
from dispatch.task import Outcome, Verdict
from dispatch.transcript import MODEL, Entry, Kind
from tests.fakes.clock import FakeClock
from tests.fakes.transcripts import FakeTranscripts
from tests.fakes.values import NOON

ANSWERED = Outcome(Verdict.ANSWERED, "an answer")
KEY = "oq-1-1-key-of-the-attempt"


@dataclass
class Teller:
    """`ports.Runner` that hands its recorder over and ends when it may."""

    recorder: asyncio.Future[Recorder]
    end: asyncio.Event

    async def run(self, session: Session) -> Outcome:
        """Tells nothing by itself."""
        self.recorder.set_result(session.recorder)
        await self.end.wait()
        return ANSWERED


class Held(FakeTranscripts):
    """Transcripts that are stored when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.storing = asyncio.Event()
        self.go_on = asyncio.Event()

    async def append(self, task_id: int, attempt: int, first: int, entries: Sequence[Entry]) -> None:
        self.storing.set()
        await self.go_on.wait()
        await super().append(task_id, attempt, first, entries)


class Room:
    """A session under way."""

    def __init__(self, transcripts: FakeTranscripts) -> None:
        self.transcripts = transcripts
        self.clock = FakeClock()
        self.teller = Teller(asyncio.get_running_loop().create_future(), asyncio.Event())
        runner = Transcribed(self.teller, transcripts, self.clock, lambda text: text.replace("secret", "***"))
        self.session = session()
        self.running = asyncio.create_task(runner.run(self.session))

    async def tell(self, *words: str) -> None:
        """Something happens in it."""
        recorder = await self.teller.recorder
        for word in words:
            recorder.add(MODEL, Kind.SAID, word)

    async def pass_time(self) -> None:
        """What has been told is due to be stored."""
        await until(lambda: self.clock.sleeping == 1)
        self.clock.advance(timedelta(seconds=STORED_EACH))

    async def end(self) -> Outcome:
        """The session ends by itself."""
        self.teller.end.set()
        return await self.running

    @property
    def stored(self) -> list[str]:
        """The words that are stored."""
        return [entry.text for entry in self.transcripts.stored.get((1, 1), {}).values()]


def session() -> Session:
    return Session(
        task_id=1,
        attempt=1,
        model="m",
        effort="low",
        max_output_tokens=1,
        wall_clock=timedelta(minutes=1),
        prompt="x",
        access=Access("", KEY, ()),
    )


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.wait([asyncio.create_task(_turn())])


async def _turn() -> None:
    """One turn of the loop."""


async def test_what_happens_close_together_is_stored_together() -> None:
    room = Room(FakeTranscripts())
    await room.tell(*(f"word {number}" for number in range(400)))
    await room.pass_time()
    await until(lambda: room.transcripts.sizes == [400])
    await room.tell("last")
    assert await room.end() == ANSWERED
    assert room.transcripts.sizes == [400, 1]
    assert room.stored == [*(f"word {number}" for number in range(400)), "last"]


async def test_what_is_long_is_stored_in_parts() -> None:
    room = Room(FakeTranscripts())
    await room.tell(*(["x" * 15_000] * 30))
    await room.end()
    assert sum(room.transcripts.sizes) == 30
    assert max(room.transcripts.sizes) == BATCH // 15_005


async def test_times_are_those_at_which_it_happened() -> None:
    room = Room(FakeTranscripts())
    await room.tell("first")
    await room.pass_time()
    await room.tell("second")
    await room.end()
    times = [entry.at for entry in room.transcripts.stored[1, 1].values()]
    assert times == [NOON, NOON + timedelta(seconds=STORED_EACH)]


async def test_secrets_and_the_key_of_the_attempt_are_struck_before_anything_is_stored() -> None:
    room = Room(FakeTranscripts())
    await room.tell(f"ANTHROPIC_API_KEY={KEY}", "the secret")
    await room.end()
    assert room.stored == ["ANTHROPIC_API_KEY=[key of this attempt]", "the ***"]


async def test_a_cancelled_session_keeps_what_it_had_so_far() -> None:
    room = Room(FakeTranscripts())
    await room.tell("so far")
    room.running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await room.running
    assert room.stored == ["so far"]


async def test_one_cut_while_the_rest_is_stored_keeps_its_answer_and_all_of_it() -> None:
    transcripts = Held()
    room = Room(transcripts)
    await room.tell("so far")
    room.teller.end.set()
    await transcripts.storing.wait()
    room.running.cancel()
    transcripts.go_on.set()
    await asyncio.gather(room.running, return_exceptions=True)
    assert room.session.draft.ended == ANSWERED
    assert room.stored == ["so far"]


@pytest.mark.parametrize("late", [False, True])
async def test_a_busy_store_is_tried_again_and_nothing_is_stored_twice(late: bool) -> None:
    room = Room(FakeTranscripts(errors=[StoreBusy("held"), StoreBusy("held")], late=late))
    await room.tell("one", "two")
    await room.pass_time()
    await until(lambda: len(room.transcripts.errors) == 1)
    await room.tell("three")
    await room.pass_time()
    await until(lambda: not room.transcripts.errors)
    await room.pass_time()
    await until(lambda: room.stored == ["one", "two", "three"])
    await room.end()
    assert room.stored == ["one", "two", "three"]


@pytest.mark.parametrize("error", [StoreBusy("the disk is full"), ValueError("the disk is full")])
async def test_the_answer_comes_without_its_transcript(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(FakeTranscripts(errors=[error]))
    await room.tell("one", "two")
    with caplog.at_level(logging.ERROR):
        assert await room.end() == ANSWERED
    assert room.stored == []
    assert "task 1: 2 entries of the transcript of attempt 1 are lost" in caplog.text
    assert "the disk is full" in caplog.text


async def test_an_attempt_that_is_lost_adds_nothing_and_ends_as_it_would() -> None:
    room = Room(FakeTranscripts(running=set()))
    await room.tell("one")
    await room.pass_time()
    await room.tell("two")
    assert await room.end() == ANSWERED
    assert room.stored == []
