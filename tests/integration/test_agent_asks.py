"""The real Claude Code asks people: answered in time, put aside and gone on with, allowed and denied."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.claude import Call, ClaudeSim, Say, Step, call, say
from dispatch.clock import SystemClock
from dispatch.faults import FaultKind
from dispatch.means import Beyond, Means, Profile, Project, RunnerName
from dispatch.places import Worktrees
from dispatch.policy import Seating, Settlement
from dispatch.pricing import PriceList
from dispatch.questions import PUT_ASIDE, Decision, Question
from dispatch.runners.claude_code.command import SERVER
from dispatch.runners.placed import Placed
from dispatch.states import State
from dispatch.task import Claim, Outcome, Resumed, Tier, Verdict
from dispatch.usage import Price
from tests.integration.agent_room import AgentRoom, agent_room, claude
from tests.integration.gateway_room import MODEL, open_session, usage_of
from tests.integration.test_worktrees import git

pytestmark = pytest.mark.long

ANA = "UANA00001"
ASK = Call(f"mcp__{SERVER}__ask_requester", {"question": "Which first?", "options": ["payments", "refunds"]})


@pytest.fixture
async def sim() -> AsyncIterator[ClaudeSim]:
    async with claude() as running:
        yield running


@pytest.fixture
async def room(sim: ClaudeSim, tmp_path: Path) -> AsyncIterator[AgentRoom]:
    async with agent_room(tmp_path, sim) as opened:
        yield opened
        assert opened.left() == []


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "payments"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "limit.txt").write_text("1\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")
    return folder


def agent(profile: Profile = Profile.FULL, beyond: Beyond = Beyond.REFUSE, repo: Path | None = None) -> Means:
    project = Project("payments", repo) if repo else None
    return Means(RunnerName.CLAUDE_CODE, profile, project, beyond)


def bash(command: str) -> Step:
    return call("Bash", command=command, description="as scripted")


async def run(room: AgentRoom, claim: Claim, means: Means) -> Outcome:
    """One session of the claim, resumed where it is to be."""
    runner = Placed(room.runner, Worktrees(room.runs.with_name("places"), {}))
    async with room.room.gateway.admit(claim) as access:
        session = replace(open_session(claim, access), means=means, resumed=claim.resumed)
        return await runner.run(session)


@asynccontextmanager
async def at_work(room: AgentRoom, claim: Claim, means: Means) -> AsyncIterator["asyncio.Task[Outcome]"]:
    running = asyncio.create_task(run(room, claim, means))
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait({running})


async def asked(room: AgentRoom, count: int = 1) -> Question:
    """The newest question of the task, once there are so many."""
    async with asyncio.timeout(30):
        while len(questions := await room.room.store.queue.questions(1)) < count:
            await SystemClock().sleep(0.05)
    return questions[-1]


async def answer(room: AgentRoom, question: Question, words: str) -> None:
    await room.room.asking.answer(question.id, words, ANA, f"key:{question.id}")


async def again(room: AgentRoom, claim: Claim, outcome: Outcome, words: str) -> Claim:
    """Settles the paused attempt, answers its question, and claims the task again."""
    now, queue = room.room.clock.now(), room.room.store.queue
    settled = await queue.settle(claim, outcome, Settlement(State.WAITING), now)
    assert settled.state is State.WAITING
    await answer(room, (await queue.questions(claim.task.id))[-1], words)
    return await claimed(room)


async def claimed(room: AgentRoom, tier: Tier = Tier.HAIKU) -> Claim:
    now = room.room.clock.now()
    claim = await room.room.store.queue.claim(tier, Seating(9), now + timedelta(minutes=1), now)
    assert claim is not None
    return claim


async def again_raised(room: AgentRoom, claim: Claim, outcome: Outcome) -> Claim:
    now, queue = room.room.clock.now(), room.room.store.queue
    await queue.settle(claim, outcome, Settlement(State.WAITING), now)
    await answer(room, (await queue.questions(claim.task.id))[-1], Decision.RAISE)
    return await claimed(room, Tier.SONNET)


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


async def test_a_start_without_what_was_asked_is_still_refused(room: AgentRoom) -> None:
    claim = await room.room.claim(channel="C1")
    async with room.room.gateway.admit(claim) as access:
        extra = replace(access.tools[0], name="x")
        session = open_session(claim, replace(access, tools=(*access.tools, extra)))
        outcome = await room.runner.run(replace(session, means=agent(Profile.READ, Beyond.ASK)))
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.RUNTIME
    assert room.sim.served == []
