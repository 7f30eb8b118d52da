"""What every `ports.Runner` keeps to, run on each of them."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.rehearsal.claude import Failure, Step
from dispatch.faults import Fault, FaultKind
from dispatch.means import Profile
from dispatch.ports import Access, Draft, Runner, Session
from dispatch.runners.messages import MessagesRunner
from dispatch.runners.script import ScriptRunner
from dispatch.task import Claim, Outcome, Verdict
from tests.fakes.runner import FakeRunner
from tests.fakes.scripts import script_session
from tests.fakes.values import NOON, make_task
from tests.integration.agent_room import agent_room
from tests.integration.gateway_room import HALF_HELD, MODEL, open_session, room_over
from tests.integration.processes import until
from tests.integration.rehearsal_claude import claude

ANSWER = HALF_HELD.text


@dataclass
class Stage:
    """A runner whose session will write `ANSWER`, and what a test may do to it.

    `break_off` makes the next session fail in the middle, which is a fault of the kind `breaks`. After
    `hold`, a session stops in the middle until `release`; `held` returns when it has.
    """

    runner: Runner
    open: Callable[[], Session]
    break_off: Callable[[], None]
    hold: Callable[[], None]
    release: Callable[[], None]
    held: Callable[[], Awaitable[object]]
    model: str | None = MODEL
    breaks: FaultKind = FaultKind.OVERLOADED


@pytest.fixture
async def fake() -> Stage:
    runner = FakeRunner(text=ANSWER)

    def break_off() -> None:
        fault = Fault(FaultKind.OVERLOADED, "Overloaded")
        runner.text = ANSWER[: len(ANSWER) // 2]
        runner.outcome = Outcome(Verdict.FAILED, runner.text, MODEL, fault)

    def open_one() -> Session:
        claim = Claim(make_task(priority=9), 1, NOON, 1_000_000)
        return open_session(claim, Access("http://127.0.0.1:9", "oq-1-1-secret", ()))

    return Stage(runner, open_one, break_off, runner.gate.clear, runner.gate.set, runner.started.acquire)


@pytest.fixture
async def messages(tmp_path: Path) -> AsyncIterator[Stage]:
    async with claude() as sim, room_over(sim, tmp_path) as room:
        claim = await room.claim()
        sim.script([Step((HALF_HELD,))] * 3)
        async with room.gateway.admit(claim) as access:
            yield Stage(
                MessagesRunner(),
                lambda: open_session(claim, access),
                lambda: sim.fail(Failure.MID_OVERLOADED),
                sim.hold,
                sim.release,
                sim.wait_for_held,
            )


@pytest.fixture
async def claude_code(tmp_path: Path) -> AsyncIterator[Stage]:
    async with claude() as sim, agent_room(tmp_path, sim) as room:
        sim.script([Step((HALF_HELD,))] * 3)
        async with room.session(Profile.READ) as session:
            yield Stage(
                room.runner,
                lambda: replace(session, draft=Draft()),
                lambda: sim.fail(Failure.MID_OVERLOADED),
                sim.hold,
                sim.release,
                lambda: sim.wait_for_held(timeout=30),
            )


@pytest.fixture
async def script(tmp_path: Path) -> Stage:
    held, broken, halfway = (tmp_path / name for name in ("held", "broken", "halfway"))
    half, rest = ANSWER[: len(ANSWER) // 2], ANSWER[len(ANSWER) // 2 :]
    command = (
        f'printf %s "$0"; touch {halfway}; if [ -e {broken} ]; then exit 1; fi; '
        f'while [ -e {held} ]; do sleep 0.01; done; printf %s "$1"'
    )
    return Stage(
        ScriptRunner(os.environ["PATH"], str(tmp_path)),
        lambda: script_session("sh", "-c", command, half, rest),
        broken.touch,
        held.touch,
        held.unlink,
        lambda: until(halfway.exists),
        model=None,
        breaks=FaultKind.SCRIPT,
    )


@pytest.fixture(params=["fake", "messages", "script", "claude_code"])
def stage(request: pytest.FixtureRequest) -> Stage:
    """Each runner in turn."""
    made = request.getfixturevalue(request.param)
    assert isinstance(made, Stage)
    return made


async def test_an_answer_has_its_text_and_model(stage: Stage) -> None:
    outcome = await stage.runner.run(stage.open())
    assert replace(outcome, said_micro_usd=None) == Outcome(Verdict.ANSWERED, ANSWER, stage.model)


async def test_what_it_came_to_is_known_before_it_closes(stage: Stage) -> None:
    session = stage.open()
    assert await stage.runner.run(session) == session.draft.ended


async def test_a_failure_is_a_value_that_keeps_the_work_so_far(stage: Stage) -> None:
    stage.break_off()
    outcome = await stage.runner.run(stage.open())
    assert (outcome.verdict, outcome.model) == (Verdict.FAILED, stage.model)
    assert outcome.fault is not None
    assert outcome.fault.kind is stage.breaks
    assert outcome.fault.detail
    assert outcome.text
    assert ANSWER.startswith(outcome.text)


async def test_the_draft_outlives_a_cancelled_session(stage: Stage) -> None:
    stage.hold()
    session = stage.open()
    running = asyncio.create_task(stage.runner.run(session))
    await stage.held()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ANSWER.startswith(session.draft.text)
    assert session.draft.ended is None


async def test_a_held_session_ends_when_it_may(stage: Stage) -> None:
    stage.hold()
    session = stage.open()
    running = asyncio.create_task(stage.runner.run(session))
    await stage.held()
    assert not running.done()
    stage.release()
    assert (await running).text == ANSWER
    assert session.draft.text == ANSWER
    assert session.draft.model == stage.model


async def test_sessions_at_once_do_not_mix(stage: Stage) -> None:
    sessions = [stage.open() for _ in range(3)]
    outcomes = await asyncio.gather(*(stage.runner.run(session) for session in sessions))
    assert [outcome.text for outcome in outcomes] == [ANSWER] * 3
    assert [session.draft.text for session in sessions] == [ANSWER] * 3
