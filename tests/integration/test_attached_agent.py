"""Files that the real Claude Code reads in its jail, and cannot change."""

import asyncio
from dataclasses import replace

import pytest

from bot.rehearsal.claude import Call, Say, Step, call, say
from dispatch.means import Profile
from dispatch.ports import Attachment, FileKind
from dispatch.task import Verdict
from tests.fakes.attachments import PNG, TEXT
from tests.integration.agent_people import room
from tests.integration.agent_room import AgentRoom
from tests.integration.gateway_room import sim

__all__ = ["room", "sim"]

pytestmark = pytest.mark.long

FILES = (
    Attachment("p99.png", FileKind.IMAGE, "image/png", PNG),
    Attachment("log.txt", FileKind.TEXT, "text/plain", TEXT),
)


@pytest.mark.parametrize("profile", [Profile.READ, Profile.FULL])
async def test_an_agent_reads_the_files_of_its_request(room: AgentRoom, profile: Profile) -> None:
    room.sim.script([Step((Say("I look."), Call("Glob", {"pattern": "*"})))])
    async with room.session(profile) as session:
        room.sim.hold()
        running = asyncio.create_task(room.runner.run(replace(session, attachments=FILES)))
        await room.sim.wait_for_held(timeout=60)
        (folder,) = room.runs.glob("*/run/attachments")
        room.sim.script([call("Read", file_path=str(folder / "2-log.txt")), say("It stalled.")])
        room.sim.release()
        outcome = await running
    assert (outcome.verdict, outcome.text) == (Verdict.ANSWERED, "It stalled.")
    assert "12:00 payments stalled" in room.results()[-1]
    assert f"- {folder / '1-p99.png'}" in str(room.sim.served[0].messages)
    assert list(room.place.iterdir()) == [], "nothing of them is left as work"


async def test_an_agent_cannot_change_them(room: AgentRoom) -> None:
    script = "cd $HOME/../attachments; cat 2-log.txt; chmod 644 2-log.txt; echo x > 2-log.txt; touch new; ls"
    room.sim.script([call("Bash", command=script, description="as scripted"), say("Done.")])
    async with room.session(Profile.FULL) as session:
        await room.runner.run(replace(session, attachments=FILES))
    (told,) = room.results()
    assert "12:00 payments stalled" in told
    assert told.count("Read-only file system") >= 2
    assert "1-p99.png\n2-log.txt\n" in told
    assert "new" not in told.split()
