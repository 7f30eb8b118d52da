import asyncio
import logging
from datetime import timedelta

import pytest

from dispatch.faults import Fault, FaultKind
from dispatch.ports import Access, Session
from dispatch.seats.local import LocalSeats
from dispatch.task import Outcome, Verdict
from tests.fakes.runner import FakeRunner


def make_session(wall_clock: timedelta = timedelta(minutes=5)) -> Session:
    access = Access("http://127.0.0.1:1", "oq-1-1-secret", ())
    return Session(1, 1, "claude-haiku-5-5", "low", 8000, wall_clock, "investigate stall", access)


async def test_the_runner_decides_the_outcome() -> None:
    outcome = Outcome(Verdict.FAILED, "half", "claude-haiku-5-5", Fault(FaultKind.REFUSAL))
    runner = FakeRunner(outcome=outcome)
    session = make_session()
    assert await LocalSeats(runner).run(session) == outcome
    assert runner.sessions == [session]


async def test_the_wall_clock_ends_a_session_and_keeps_its_work() -> None:
    runner = FakeRunner(text="half an answer")
    runner.gate.clear()
    outcome = await LocalSeats(runner).run(make_session(timedelta(milliseconds=20)))
    assert (outcome.verdict, outcome.text, outcome.model) == (
        Verdict.FAILED,
        "half an answer",
        "claude-haiku-5-5",
    )
    assert outcome.fault == Fault(FaultKind.TIMEOUT, "stopped after 0.02 s, the limit of its tier")
    assert runner.stopped == 1


@pytest.mark.parametrize("error", [RuntimeError("no such luck"), TimeoutError("not the wall clock")])
async def test_a_surprise_is_a_fault_and_is_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        outcome = await LocalSeats(FakeRunner(text="half", error=error)).run(make_session())
    words = f"the session broke ({type(error).__name__})"
    assert outcome == Outcome(Verdict.FAILED, "half", "claude-haiku-5-5", Fault(FaultKind.UNKNOWN, words))
    assert str(error) in caplog.text
    assert "Traceback" in caplog.text


class Closing(FakeRunner):
    """Has its outcome, and then something to close, which `breaks` or takes longer than any wall clock."""

    def __init__(self, breaks: Exception | None = None) -> None:
        super().__init__()
        self.breaks = breaks

    async def run(self, session: Session) -> Outcome:
        session.draft.outcome = Outcome(Verdict.ANSWERED, "42")
        if self.breaks is not None:
            raise self.breaks
        await asyncio.Event().wait()
        return session.draft.outcome


async def test_a_wall_clock_that_ends_while_it_closes_costs_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcome = await LocalSeats(Closing()).run(make_session(timedelta(milliseconds=20)))
    assert outcome == Outcome(Verdict.ANSWERED, "42")
    assert caplog.text == ""


async def test_a_surprise_while_it_closes_is_logged_and_costs_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcome = await LocalSeats(Closing(RuntimeError("no such luck"))).run(make_session())
    assert outcome == Outcome(Verdict.ANSWERED, "42")
    assert "no such luck" in caplog.text


async def test_cancellation_passes_through() -> None:
    runner = FakeRunner()
    runner.gate.clear()
    running = asyncio.create_task(LocalSeats(runner).run(make_session()))
    await runner.started.acquire()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert runner.stopped == 1


async def test_sessions_at_once_end_each_on_its_own() -> None:
    runner = FakeRunner()
    runner.gate.clear()
    seats = LocalSeats(runner)
    hasty = asyncio.create_task(seats.run(make_session(timedelta(milliseconds=20))))
    patient = asyncio.create_task(seats.run(make_session()))
    assert (await hasty).fault is not None
    runner.gate.set()
    assert (await patient).verdict is Verdict.ANSWERED
