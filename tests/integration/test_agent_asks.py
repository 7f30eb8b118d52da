"""The real Claude Code asks people: it is answered in time, or put aside and gone on with."""

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.claude import Call, ClaudeSim, Say, Step, say
from dispatch.clock import SystemClock
from dispatch.means import Profile
from dispatch.pricing import PriceList
from dispatch.questions import PUT_ASIDE
from dispatch.runners.claude_code.command import SERVER
from dispatch.task import Resumed, Tier, Verdict
from dispatch.usage import Price
from tests.integration.agent_people import (
    again,
    again_raised,
    agent,
    answer,
    asked,
    at_work,
    bash,
    repo,
    room,
    run,
)
from tests.integration.agent_room import AgentRoom, agent_room
from tests.integration.gateway_room import MODEL, open_session, sim, usage_of
from tests.integration.test_worktrees import git

__all__ = ["repo", "room", "sim"]

pytestmark = pytest.mark.long

ASK = Call(f"mcp__{SERVER}__ask_requester", {"question": "Which first?", "options": ["payments", "refunds"]})


def cost(sim: ClaudeSim, since: int) -> int:
    """Micro-dollars at list prices of what was served from that request on."""
    price = PriceList(SystemClock().now)
    found = [price(MODEL, usage_of(one)) for one in sim.served[since:] if one.usage]
    return sum(one.micro_usd for one in found if isinstance(one, Price))


async def test_an_answer_in_time_comes_as_the_tools_own(room: AgentRoom) -> None:
    room.sim.script([Step((ASK,)), say("Drained.")])
    async with at_work(room, await room.room.claim(channel="C1"), agent(Profile.READ)) as running:
        question = await asked(room)
        assert (question.text, question.options) == ("Which first?", ("payments", "refunds"))
        await answer(room, question, "refunds")
        outcome = await running
    assert (outcome.verdict, outcome.text) == (Verdict.ANSWERED, "Drained.")
    assert "refunds" in room.results()[-1]


async def test_it_goes_on_after_a_restart_with_the_answer_and_its_edits(
    sim: ClaudeSim, tmp_path: Path, repo: Path
) -> None:
    sim.script(
        [
            bash("echo 8 > limit.txt; echo x > new.txt; pwd"),
            Step((Say("I ask."), ASK)),
            bash("pwd; cat limit.txt new.txt; echo 9 >> limit.txt"),
            Step((Say("And again."), replace(ASK, input={"question": "And now?"}))),
            bash("cat limit.txt"),
            say("Drained."),
        ]
    )
    async with AsyncExitStack() as stack:
        room = await stack.enter_async_context(agent_room(tmp_path, sim))
        room.room.asking.hurry()
        claim = await room.room.claim(channel="C1")
        paused = await run(room, claim, agent(repo=repo))
        assert (paused.verdict, paused.text) == (Verdict.ASKED, "I ask.")
        assert paused.work is not None
        assert git(repo, "show", f"{paused.work.branch}:limit.txt") == "8"
        assert (room.left(), list((tmp_path / "places").glob("*"))) == ([], [])
        assert paused.said_micro_usd == pytest.approx(cost(sim, 0), abs=1)
        second = await again(room, claim, paused, "refunds")
    (repo / "limit.txt").write_text("5\n")
    git(repo, "commit", "--quiet", "--all", "--message=meanwhile")
    async with agent_room(tmp_path, sim) as room:
        room.room.asking.hurry()
        before = len(sim.served)
        paused = await run(room, second, agent(repo=repo))
        assert (paused.verdict, paused.text) == (Verdict.ASKED, "I ask.\n\nAnd again.")
        assert paused.said_micro_usd == pytest.approx(cost(sim, before), abs=1)
        last = await run(room, await again(room, second, paused, "payments"), agent(repo=repo))
        assert (last.verdict, last.text) == (Verdict.ANSWERED, "Drained.")
        (first_place, put_aside, seen, _, edited) = room.results()
        assert first_place in seen
        assert seen.split()[1:] == ["8", "x"]
        assert edited.split() == ["8", "9"]
        assert put_aside == PUT_ASIDE
        told = str(sim.served[-1].messages)
        assert told.count("refunds") == 2, "in the question and in the answer"
        assert last.work is not None
        assert last.work.branch == "onequeue/1"
        assert git(repo, "show", "onequeue/1:limit.txt") == "8\n9"
        assert git(repo, "log", "--format=%s", "onequeue/1").splitlines()[-1] == "first"
        assert (room.left(), list((tmp_path / "places").glob("*"))) == ([], [])
        assert [line.usage for line in await room.room.booked()] == [
            usage_of(one) for one in sim.served if one.usage
        ]


async def test_without_a_project_its_files_are_there_again(room: AgentRoom) -> None:
    room.room.asking.hurry()
    room.sim.script(
        [bash("mkdir a; echo 8 > a/limit.txt"), Step((ASK,)), bash("cat a/limit.txt"), say("Still there.")]
    )
    claim = await room.room.claim(channel="C1")
    paused = await run(room, claim, agent())
    assert room.left() == []
    last = await run(room, await again(room, claim, paused, "refunds"), agent())
    assert last.text == "Still there."
    assert room.results()[-1] == "8"


async def test_nothing_is_sent_once_it_waits(room: AgentRoom) -> None:
    room.room.asking.hurry()
    room.sim.script([Step((ASK, Call("Bash", {"command": "sleep 1; echo so > done.txt"})))])
    claim = await room.room.claim(channel="C1")
    async with room.room.gateway.admit(claim) as access:
        outcome = await room.runner.run(
            replace(open_session(claim, access), means=agent(), place=None, wall_clock=timedelta(minutes=1))
        )
        assert outcome.conversation is not None
        assert access.key.encode() not in outcome.conversation
    assert outcome.verdict is Verdict.ASKED
    assert len(room.sim.served) == 1


@pytest.mark.parametrize("kept", [b"", b"{}", b"claude-code/1\nnonsense", b"placed/1\n[]\nx"])
async def test_a_conversation_that_cannot_be_read_begins_anew(room: AgentRoom, kept: bytes) -> None:
    room.sim.script([say("Anew.")])
    claim = replace(await room.room.claim(channel="C1"), resumed=Resumed(kept, "refunds"))
    outcome = await run(room, claim, agent(Profile.READ))
    assert (outcome.verdict, outcome.text) == (Verdict.ANSWERED, "Anew.")
    assert "investigate stall" in str(room.sim.served[0].messages)


async def test_it_is_raised_once_and_its_branch_is_kept(room: AgentRoom, repo: Path) -> None:
    upgrade = Call(f"mcp__{SERVER}__upgrade", {"reason": "Three causes."})
    room.sim.script([bash("echo 8 > limit.txt"), Step((Say("One is ruled out."), upgrade))])
    claim = await room.room.claim(channel="C1")
    room.room.asking.hurry()
    outcome = await run(room, claim, agent(repo=repo))
    assert outcome.verdict is Verdict.ASKED
    raised = await again_raised(room, claim, outcome)
    assert (raised.task.route.tier, raised.resumed) == (Tier.SONNET, None)
    assert git(repo, "show", "onequeue/1:limit.txt") == "8"
