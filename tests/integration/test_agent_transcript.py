"""The transcript of a session of the real Claude Code."""

import asyncio
from functools import partial

import pytest

from bot.redact import redact
from bot.rehearsal.claude import Call, Say, Step, call, say
from dispatch.runners.claude_code.command import SERVER
from dispatch.runners.transcribed import Transcribed
from dispatch.transcript import MODEL, Kind
from tests.integration.agent_room import AgentRoom, room
from tests.integration.gateway_room import sim

__all__ = ["room", "sim"]

pytestmark = pytest.mark.long

PAPER = "A long paper. " * 60
TOKEN = "xoxb-" + "123456789012-abcdefABCDEF"


def transcribed(room: AgentRoom) -> Transcribed:
    strike = partial(redact, secrets=["hunter2-hunter2"])
    return Transcribed(room.runner, room.room.store.transcripts, room.room.clock, strike)


async def told(room: AgentRoom) -> list[tuple[str, Kind, str]]:
    entries = await room.room.store.transcripts.entries(1, 1, 0, 100)
    return [(entry.who, entry.kind, entry.text) for entry in entries]


async def test_all_that_an_agent_does_is_there_without_secrets(room: AgentRoom) -> None:
    (room.place / "keys.txt").write_text(f"token = {TOKEN}\n")
    file = str(room.place / "keys.txt")
    room.sim.script(
        [
            Step((Say(f"I look for {TOKEN}."), Call("Read", {"file_path": file}))),
            call("Bash", command="echo hunter2-hunter2; exit 3", description="as scripted"),
            call(f"mcp__{SERVER}__follow_up", text="watch it", priority=9),
            say("Found it."),
        ]
    )
    async with room.session() as session:
        assert (await transcribed(room).run(session)).text == "Found it."
    entries = await told(room)
    assert [(who, kind) for who, kind, _ in entries] == [
        (MODEL, Kind.SAID),
        ("Read", Kind.CALL),
        ("Read", Kind.RESULT),
        ("Bash", Kind.CALL),
        ("Bash", Kind.ERROR),
        (f"mcp__{SERVER}__follow_up", Kind.CALL),
        (f"mcp__{SERVER}__follow_up", Kind.RESULT),
        (MODEL, Kind.SAID),
    ]
    words = [text for _, _, text in entries]
    assert words[0] == "I look for [redacted]."
    assert words[1] == f"file_path: {file}"
    assert "token = [redacted]" in words[2]
    assert words[3] == "command: echo [redacted]; exit 3\ndescription: as scripted"
    assert "[redacted]" in words[4]
    assert (words[6], words[7]) == ("Queued as #7.", "Found it.")
    assert TOKEN not in str(words)


async def test_an_agent_that_is_stopped_keeps_what_it_had_so_far(room: AgentRoom) -> None:
    waits = "until [ -e go ]; do sleep 0.05; done; echo began"
    room.sim.script([call("Bash", command=waits, description="x"), say(PAPER)])
    async with room.session() as session:
        running = asyncio.create_task(transcribed(room).run(session))
        await room.sim.wait_for_served(1, timeout=60)
        room.sim.hold()
        (room.place / "go").touch()
        async with asyncio.timeout(60):
            while not session.draft.text:
                await room.room.clock.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    entries = await told(room)
    assert entries[:2] == [
        ("Bash", Kind.CALL, f"command: {waits}\ndescription: x"),
        ("Bash", Kind.RESULT, "began"),
    ]
    who, kind, text = entries[2]
    assert (who, kind) == (MODEL, Kind.SAID)
    assert PAPER.startswith(text.removesuffix("…"))
