"""`onequeue run` with scripts in its settings: from the words typed to the answer, and through a kill."""

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.rehearsal.slack import Message, visible
from tests.acceptance.process import Scenery, onequeue, scenery
from tests.integration.processes import until

OPS, ANA, SAM = "COPS00001", "UANA00001", "USAM00001"
COMMANDS = {
    "status": """\
echo "all well, $REQUESTER: $WORDS"
echo '```'
echo '<!channel>'
printf 'sk-ant-\\033[0mapi03-abcdefghijklmnop\\n'
""",
    "broken": "echo half\nexit 3\n",
    "slow": """\
cd "$(dirname "$0")"
echo once >> ran
touch begun
while [ ! -e enough ]; do sleep 0.05; done
""",
}
WHO = {"status": '"everybody"', "broken": '"operators"', "slow": f'["{SAM}"]'}


def set_up(folder: Path) -> None:
    """Writes the scripts and the settings that name them."""
    lines = [f'[operators]\npeople = ["{SAM}"]']
    for name, command in COMMANDS.items():
        (folder / f"{name}.sh").write_text(command, encoding="utf-8")
        lines.append(
            f'[scripts.{name}]\nrun = "sh {folder}/{name}.sh"\nwho = {WHO[name]}\nabout = "says {name}"'
        )
    (folder / "onequeue.toml").write_text("\n".join(lines), encoding="utf-8")


class World(Scenery):
    def posts(self) -> list[Message]:
        return [message for found in self.slack.state.messages.values() for message in found]

    def card(self, number: int) -> str:
        """The newest words of a task's card; empty while it has none."""
        return next((post.text for post in self.posts() if re.match(rf"#{number} · p\d+ · ", post.text)), "")

    def thread(self, number: int) -> list[str]:
        card = next(post for post in self.posts() if post.text.startswith(f"#{number} · "))
        return [visible(post) for post in self.slack.thread(OPS, card.ts)]

    async def becomes(self, number: int, state: str) -> None:
        await self.slack.wait_for(lambda _: f"· Script · {state}" in self.card(number), timeout=30)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with scenery(World, tmp_path) as world:
        set_up(tmp_path)
        await world.bot.start()
        yield world


def _pinged(world: World) -> Sequence[tuple[str, str]]:
    return [(ping.kind, ping.target) for ping in world.slack.pings]


async def test_three_ways_in_one_answer_each_and_no_model(world: World) -> None:
    assert "Script" in await world.slack.slash("ana", "#ops", "run status last week")
    await world.slack.say("ana", "#ops", "@Onequeue run status")
    await world.slack.say("ana", world.slack.dm("ana"), "run status")
    for number in (1, 2, 3):
        await world.becomes(number, "done")
    await world.slack.wait_for(lambda _: len(_pinged(world)) == 3)
    status, out, err = await onequeue(
        world.env, "add", "--wait", "run", "status", "from", "a", "terminal", folder=world.folder
    )
    assert (status, err) == (0, "")
    assert "from a terminal" in out

    answer = world.thread(1)[-1]
    assert f"all well, {ANA}: last week" in answer
    assert "script status · no model · " in answer
    assert "· $0.00 · #1" in answer
    assert "[redacted]" in answer
    assert "api03" not in answer
    assert _pinged(world) == [("user", ANA)] * 3, "the requester, and not the channel"
    assert world.claude.served == []
    task = await world.json("show", "1")
    assert (task["tier"], task["script"], task["words"]) == ("script", "status", "last week")
    assert (task["cost_micro_usd"], task["unpriced_requests"]) == (0, 0)


@pytest.mark.long
async def test_the_wrong_person_is_told_in_private_who_can(world: World) -> None:
    assert "only operators may run `broken`" in await world.slack.slash("ana", "#ops", "run broken")
    told = await world.slack.slash("ana", "#ops", "run slow")
    assert re.match(r"Not queued: only \w+ may run `slow`\. Ask one of them\.", told)
    assert SAM not in told, "people have names"
    await world.slack.say("ana", "#ops", "@Onequeue run broken")
    await world.slack.wait_for(lambda _: world.slack.ephemerals("ana"))
    unknown = await world.slack.slash("ana", "#ops", "run the tests")
    assert "there is no script `the`" in unknown
    assert "`/task p5 run the tests`" in unknown
    assert "`/task run status` says status" in unknown
    assert "run broken" not in unknown, "only those one may run"
    assert "`/task run status` says status" in await world.slack.slash("ana", "#ops", "help")
    assert (await world.json("list"))["tasks"] == []

    await world.slack.slash("sam", "#ops", "run broken")
    await world.becomes(1, "failed")
    await world.slack.wait_for(lambda _: len(world.thread(1)) >= 3)
    assert "exit status 3" in "\n".join(world.thread(1))
    assert "half" in world.thread(1)[-1]
    assert "or an operator, may do that" in await world.slack.slash("ana", "#ops", "retry 1")
    assert (await world.json("show", "1"))["attempts"] == 1, "and it is not tried again by itself"


@pytest.mark.long
async def test_killed_in_the_middle_it_fails_and_does_not_run_again(world: World) -> None:
    await world.slack.slash("sam", "#ops", "run slow")
    await until((world.folder / "begun").exists)
    await world.bot.kill()
    await world.bot.start()
    await world.becomes(1, "failed")
    await world.slack.wait_for(lambda _: len(world.thread(1)) >= 2)
    told = "\n".join(world.thread(1))
    assert "I restarted during the attempt" in told
    assert "does not run again by itself" in told
    assert (world.folder / "ran").read_text(encoding="utf-8") == "once\n"

    (world.folder / "enough").touch()
    await world.slack.slash("sam", "#ops", "retry 1")
    await world.becomes(1, "done")
    assert (world.folder / "ran").read_text(encoding="utf-8") == "once\nonce\n"
    runs = (await world.json("show", "1"))["runs"]
    assert [run["verdict"] for run in runs] == ["lost", "answered"]
