"""What an agent may not do by itself, asked of people: allowed once, for the task, later, and denied."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.rehearsal.claude import call, say
from dispatch.faults import FaultKind
from dispatch.means import Beyond, Profile
from dispatch.questions import Decision
from dispatch.task import Verdict
from tests.integration.agent_people import again, agent, answer, asked, at_work, bash, repo, room, run
from tests.integration.agent_room import AgentRoom
from tests.integration.gateway_room import open_session, sim
from tests.integration.test_worktrees import git

__all__ = ["repo", "room", "sim"]

pytestmark = pytest.mark.long


async def test_what_is_approved_runs_exactly_so(room: AgentRoom, repo: Path) -> None:
    edit = "echo 8 > limit.txt"
    write = call("Write", file_path="new.txt", content="x")
    room.sim.script([bash(edit), bash(edit), write, bash("ls; cat limit.txt"), say("Tried.")])
    means = agent(Profile.READ, Beyond.ASK, repo)
    async with at_work(room, await room.room.claim(channel="C1"), means) as running:
        question = await asked(room)
        assert (question.text, question.reason) == (f"$ {edit}", "as scripted")
        await answer(room, question, Decision.ONCE)
        await answer(room, await asked(room, 2), Decision.DENY)
        question = await asked(room, 3)
        assert question.text.startswith("Write ")
        assert question.text.endswith("new.txt\n+ x")
        await answer(room, question, Decision.DENY)
        await answer(room, await asked(room, 4), Decision.ONCE)
        outcome = await running
    assert outcome.verdict is Verdict.ANSWERED
    _, once_more, other, content = room.results()
    assert "denied it" in once_more
    assert "denied it" in other
    assert content.split() == ["limit.txt", "8"]


async def test_what_is_approved_for_the_task_is_not_asked_again(room: AgentRoom) -> None:
    write = call("Write", file_path=str(room.place / "x.txt"), content="so\n")
    room.sim.script([bash("echo so >> x.txt"), bash("echo so >> x.txt"), write, say("Done.")])
    claim = await room.room.claim(channel="C1")
    async with at_work(room, claim, agent(Profile.EDIT, Beyond.ASK)) as running:
        await answer(room, await asked(room), Decision.FOR_TASK)
        question = await asked(room, 2)
        assert question.text.startswith("Write /"), "the folder is another here"
        await answer(room, question, Decision.DENY)
        outcome = await running
    assert outcome.verdict is Verdict.ANSWERED
    assert len(await room.room.store.queue.questions(1)) == 2


async def test_an_edit_in_the_place_is_allowed_by_its_profile(room: AgentRoom, repo: Path) -> None:
    room.sim.script([call("Write", file_path="new.txt", content="8\n"), say("Done.")])
    claim = await room.room.claim(channel="C1")
    outcome = await run(room, claim, agent(Profile.EDIT, Beyond.ASK, repo))
    assert outcome.verdict is Verdict.ANSWERED
    assert git(repo, "show", "onequeue/1:new.txt") == "8"
    assert await room.room.store.queue.questions(1) == []


@pytest.mark.parametrize(("decision", "content"), [(Decision.ONCE, "8"), (Decision.DENY, "1")])
async def test_an_approval_that_comes_later_holds_for_the_session_that_goes_on(
    room: AgentRoom, repo: Path, decision: Decision, content: str
) -> None:
    room.room.asking.hurry()
    edit = "echo 8 > limit.txt"
    means = agent(Profile.READ, Beyond.ASK, repo)
    room.sim.script([bash(edit), *([bash(edit)] * (decision is Decision.ONCE)), say("Done.")])
    claim = await room.room.claim(channel="C1")
    paused = await run(room, claim, means)
    assert (paused.verdict, paused.work) == (Verdict.ASKED, None)
    last = await run(room, await again(room, claim, paused, decision), means)
    assert (last.verdict, last.text) == (Verdict.ANSWERED, "Done.")
    assert len(await room.room.store.queue.questions(1)) == 1
    assert git(repo, "show", f"{last.work.branch if last.work else 'main'}:limit.txt") == content


async def test_without_people_to_ask_it_is_refused(room: AgentRoom) -> None:
    room.sim.script([bash("echo x > x.txt"), say("Done.")])
    outcome = await run(room, await room.room.claim(), agent(Profile.READ, Beyond.ASK))
    assert outcome.verdict is Verdict.ANSWERED
    assert "nobody waits for this task" in room.results()[0]


async def test_a_start_without_what_was_asked_is_still_refused(room: AgentRoom) -> None:
    claim = await room.room.claim(channel="C1")
    async with room.room.gateway.admit(claim) as access:
        extra = replace(access.tools[0], name="x")
        session = open_session(claim, replace(access, tools=(*access.tools, extra)))
        outcome = await room.runner.run(replace(session, means=agent(Profile.READ, Beyond.ASK)))
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.RUNTIME
    assert room.sim.served == []
