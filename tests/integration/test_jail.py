"""Escapes tried from inside a real session, by its own commands. What holds here is printed as a table."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.rehearsal.claude import call, say
from dispatch.clock import SystemClock
from dispatch.faults import FaultKind
from dispatch.means import Profile, Project
from dispatch.places import Worktrees
from dispatch.ports import Place
from dispatch.runners.claude_code import ClaudeCodeRunner, Isolation, Level
from tests.fakes.setups import FakeSetups
from tests.integration.agent_room import UTC_ZONE, AgentRoom, room
from tests.integration.escapes import CANARY, ESCAPES, MACHINE, Escape, filled
from tests.integration.gateway_room import sim
from tests.integration.processes import end, running
from tests.integration.test_worktrees import git

__all__ = ["room", "sim"]

pytestmark = pytest.mark.long


async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that says one word to whoever comes, as HTTP has it."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
    await writer.drain()
    writer.close()


@asynccontextmanager
async def surroundings(folder: Path) -> AsyncIterator[dict[str, object]]:
    """What there is to reach outside of a jail, by the names that escapes know it by."""
    repo = folder / "payments"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "commit", "--quiet", "--allow-empty", "--message=first")
    (folder / "secret").write_text(CANARY)
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        stack.callback(server.close)
        for path in (folder / "socket", f"\0{CANARY}"):
            stack.callback((await asyncio.start_unix_server(greet, path)).close)
        yield {
            "home": Path.home(),
            "process": os.getpid(),
            "database": folder / "onequeue.db",
            "secret": folder / "secret",
            "outside": folder / "outside",
            "runs": folder / "runs",
            "repo": repo / ".git",
            "server": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/",
            "socket": folder / "socket",
            "canary": CANARY,
        }


async def test_what_is_tried_from_inside_holds_as_the_security_page_says(
    room: AgentRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", f"xoxb-{CANARY}")
    async with surroundings(tmp_path) as named, room.session() as plain:
        means = replace(plain.means, project=Project("payments", tmp_path / "payments"))
        session = replace(plain, means=means)
        named |= {"real_key": room.sim.key, "attempt_key": session.access.key}
        async with Worktrees(tmp_path / "places", FakeSetups()).open(session) as place:
            room.sim.script([*(escape.step(place.path, named) for escape in ESCAPES), say("Tried.")])
            outcome = await room.runner.run(replace(session, place=place))
            assert outcome.text == "Tried."
            results = room.results()
            assert [told for told in results if "Permission to use Bash" in told] == [], "all were tried"
            held = {one.what: _held(one, told, named) for one, told in zip(ESCAPES, results, strict=True)}
            unproven = [one.what for one in ESCAPES if one.outside and await _held_outside(one, named, place)]
    assert unproven == [], "these fail outside of a jail too, so they prove nothing"
    isolation = await room.runner.isolation()
    with capsys.disabled():
        sys.stdout.write(f"\n{isolation.words} (user {os.getuid()})\n{_table(held)}")
    expected = {"yes": True, "no": False, MACHINE: isolation.level is Level.WHOLE}
    assert held == {escape.what: expected[escape.holds] for escape in ESCAPES}


def _held(escape: Escape, told: str, named: Mapping[str, object]) -> bool:
    if escape.shows:
        return filled(escape.shows, named) not in told
    if escape.leaves:
        return not Path(filled(escape.leaves, named)).exists()
    return running(escape.runs) == 0


async def _held_outside(escape: Escape, named: Mapping[str, object], place: Place) -> bool:
    """Whether it fails without a jail as well. Nothing of it is left."""
    process = await asyncio.create_subprocess_shell(
        filled(escape.command, named),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=place.path,
    )
    told, _ = await process.communicate()
    held = _held(escape, told.decode("utf-8", "replace"), named)
    _tidy(escape, named)
    return held


def _tidy(escape: Escape, named: Mapping[str, object]) -> None:
    if escape.leaves:
        Path(filled(escape.leaves, named)).unlink(missing_ok=True)
    if escape.runs:
        end(escape.runs)


def _table(held: Mapping[str, bool]) -> str:
    width = max(map(len, held))
    rows = [f"  {one.what:{width}} | {'yes ' if held[one.what] else 'OPEN'} | {one.by}\n" for one in ESCAPES]
    return "".join([f"  {'tried from inside':{width}} | held | by what\n", *rows])


@pytest.mark.parametrize("way", ["Read", "Grep", "Glob", "Write"])
async def test_file_tools_reach_nothing_outside(room: AgentRoom, tmp_path: Path, way: str) -> None:
    (tmp_path / "secret.txt").write_text(CANARY)
    secret = str(tmp_path / "secret.txt")
    given = {
        "Read": {"file_path": secret},
        "Grep": {"pattern": "canary", "path": str(tmp_path), "output_mode": "content"},
        "Glob": {"pattern": "*.txt", "path": str(tmp_path)},
        "Write": {"file_path": str(tmp_path / "written.txt"), "content": "x"},
    }[way]
    room.sim.script([call(way, **given), say("Tried.")])
    await room.run(Profile.EDIT)
    (told,) = room.results()
    assert CANARY not in told
    assert "secret.txt" not in told.replace(secret, "")
    assert not (tmp_path / "written.txt").exists()


async def test_only_the_domains_of_the_project_are_reached(room: AgentRoom) -> None:
    project = Project("payments", room.place, domains=("127.0.0.2",))
    ask = "curl -sS -m 5 -o /dev/null -w '%{http_code}'"
    commands = [f"{ask} http://127.0.0.{host}/" for host in (2, 3)]
    room.sim.script([*(call("Bash", command=one, description="try") for one in commands), say("Tried.")])
    async with room.session() as session:
        means = replace(session.means, project=project)
        await room.runner.run(replace(session, means=means))
    allowed, refused = room.results()
    reached = "200" if _listens("127.0.0.2", 80) else "502"
    assert reached in allowed
    assert "403" in refused


async def no_jail() -> Isolation:
    """What a machine without bubblewrap says."""
    return Isolation(Level.NONE, "bwrap not found")


async def test_without_a_jail_no_session_runs(room: AgentRoom) -> None:
    runner = ClaudeCodeRunner(room.runs, SystemClock(), UTC_ZONE, probe=no_jail)
    async with room.session() as session:
        outcome = await runner.run(session)
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.RUNTIME
    assert "bwrap not found" in outcome.fault.detail
    assert room.sim.served == []


async def test_without_a_jail_a_session_runs_where_that_is_wanted_and_leaves_nothing(
    room: AgentRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", f"xoxb-{CANARY}")
    runner = ClaudeCodeRunner(room.runs, SystemClock(), UTC_ZONE, bare=True, probe=no_jail)
    command = "setsid nohup sleep 6000 >/dev/null 2>&1 & env; sleep 0.2"
    room.sim.script([call("Bash", command=command, description="try"), say("Done.")])
    async with room.session() as session:
        outcome = await runner.run(session)
    assert outcome.text == "Done."
    assert CANARY not in room.results()[0]
    assert "CLAUDE" in room.results()[0]
    assert room.left() == []


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0
