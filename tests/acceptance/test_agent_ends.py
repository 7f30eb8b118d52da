"""Each way in which an agent's session ends, in one running bot: the words, the money, and nothing left."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from bot.rehearsal.claude import Call, Failure, Say, Step, call, say
from tests.acceptance.agent_scene import HIDING, Scene, agent_scene, bash, git

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]

WAITS = {
    Failure.AUTHENTICATION: ("account", "Nothing is wrong with your task: Claude's key was refused"),
    Failure.RATE_LIMIT: ("opus", "Opus is rate limited"),
    Failure.OVERLOADED: ("opus", "Opus is overloaded"),
}
"""Each refusal that all must wait for: the gate it closes, and what the card says."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with agent_scene(tmp_path_factory.mktemp("ends")) as opened:
        yield opened


async def test_it_edits_a_file_with_its_own_tools(scene: Scene) -> None:
    file = str(scene.place(scene.next_number) / "limit.txt")
    scene.claude.script(
        [
            Step((Say("I look."), Call("Read", {"file_path": file}))),
            call("Edit", file_path=file, old_string="1", new_string="8"),
            bash(f"{HIDING} git diff --stat"),
            say("Raised the limit."),
        ]
    )
    number = await scene.ask("p3 raise the limit")
    await scene.ended(number, "done", "Raised the limit.", "claude-opus-5-5", f"#{number}")
    assert git(scene.repo, "show", f"onequeue/{number}:limit.txt") == "8"
    assert git(scene.repo, "status", "--porcelain") == ""
    assert scene.gates() == {}
    scene.reckon()
    await scene.nothing_left()


async def test_cancelled_in_the_middle_of_a_tool(scene: Scene) -> None:
    scene.claude.script([bash(f"echo 9 > limit.txt; {HIDING} touch began; sleep 300")])
    number = await scene.ask("p3 wait for ever")
    await scene.until((scene.place(number) / "began").exists)
    assert "Stopping" in await scene.say(f"cancel {number}")
    await scene.ended(number, "cancelled", "was cancelled", f"`/task retry {number}` runs it after all")
    assert scene.verdicts(number) == ["cancelled"]
    assert git(scene.repo, "show", f"onequeue/{number}:limit.txt") == "9", "what it had done is kept"
    scene.reckon()
    await scene.nothing_left()


async def test_stopped_at_its_cap(scene: Scene) -> None:
    turn = (Say("And on."), Call("Bash", {"command": "echo on", "description": "as scripted"}))
    scene.claude.script(Step(turn, usage={"output_tokens": tokens}) for tokens in (2000, 3000))
    number = await scene.ask("p3 max=$0.10 go on and on")
    await scene.ended(number, "failed", "Stopped at its cap of $0.10", "`max=$1`", "Another $10")
    (task,) = scene.rows("SELECT * FROM task WHERE id = ?", number)
    assert 100_000 <= task["cost_micro_usd"] < 200_000
    assert scene.gates() == {}
    scene.reckon()
    await scene.nothing_left()


@pytest.mark.parametrize("failure", WAITS)
async def test_refused_it_keeps_its_place_behind_a_gate(scene: Scene, failure: Failure) -> None:
    name, words = WAITS[failure]
    scene.claude.script([say("There it is.")])
    scene.claude.fail(failure, retry_after=100)
    number = await scene.ask(f"p3 look again, {failure}")
    await scene.until(lambda: words in scene.card(number))
    assert "attempt 2 follows" in scene.card(number)
    assert list(scene.gates()) == [name]
    gate = scene.gates()[name]
    if failure is not Failure.AUTHENTICATION:
        assert 100 <= (gate["opens_at"] - gate["closed_at"]) / 1e6 <= 111, "as long as Claude said"
    await scene.nothing_left()
    assert "tries now" in await scene.say("resume")
    await scene.ended(number, "done", "There it is.")
    assert scene.verdicts(number) == ["failed", "answered"]
    assert scene.gates() == {}
    scene.reckon()
    await scene.nothing_left()


async def test_a_cut_stream_and_a_silent_one_are_tried_again(scene: Scene) -> None:
    scene.claude.fail(Failure.MID_DROP, model="claude-opus-5-5")
    scene.claude.fail(Failure.HANG, model="claude-haiku-5-5")
    cut, silent = await scene.ask("p3 look at the cut"), await scene.ask("p9 listen")
    for number in (cut, silent):
        await scene.until(partial(scene.says, number, "Claude could not be reached"))
        assert "Nothing is wrong with the task and it is not forgotten" in scene.card(number)
    for number in (cut, silent):
        await scene.ended(number, "done", f"#{number}")
        assert scene.verdicts(number) == ["failed", "answered"]
    assert scene.gates() == {}
    scene.reckon(unknown=1)
    assert "1 unpriced request" in scene.card(silent)
    await scene.nothing_left()
