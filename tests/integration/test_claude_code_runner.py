"""The real Claude Code, from its prompt to its last process, against the simulated Claude."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.claude import Call, ClaudeSim, Failure, Say, Step, call, say
from dispatch.clock import SystemClock
from dispatch.faults import FaultKind
from dispatch.means import Profile
from dispatch.runners.claude_code import ClaudeCodeRunner, SelfTest
from dispatch.runners.claude_code.command import MARK, SERVER
from dispatch.runners.claude_code.selftest import Run
from dispatch.seats.local import LocalSeats
from dispatch.task import Outcome, Verdict
from tests.integration.agent_room import UTC_ZONE, AgentRoom, agent_room, claude, marked
from tests.integration.gateway_room import HALF_HELD, MODEL, usage_of
from tests.unit.test_removal import dig

pytestmark = pytest.mark.long

FAULTS = {
    Failure.AUTHENTICATION: FaultKind.AUTHENTICATION,
    Failure.RATE_LIMIT: FaultKind.RATE_LIMITED,
    Failure.OVERLOADED: FaultKind.OVERLOADED,
    Failure.CREDIT: FaultKind.BILLING,
    Failure.MID_OVERLOADED: FaultKind.OVERLOADED,
    Failure.MID_DROP: FaultKind.NETWORK,
    Failure.HANG: FaultKind.NETWORK,
    Failure.STALLED: FaultKind.NETWORK,
}
RARER_FAULTS = {
    Failure.PROMPT_TOO_LONG: FaultKind.INVALID_REQUEST,
    Failure.BILLING: FaultKind.BILLING,
    Failure.PERMISSION: FaultKind.FORBIDDEN,
    Failure.TOO_LARGE: FaultKind.INVALID_REQUEST,
    Failure.RATE_LIMIT_NO_RETRY: FaultKind.RATE_LIMITED,
    Failure.SPEND_LIMIT: FaultKind.BILLING,
    Failure.CONTRACT_LIMIT: FaultKind.BILLING,
    Failure.SERVER_ERROR: FaultKind.OVERLOADED,
    Failure.BAD_GATEWAY: FaultKind.OVERLOADED,
    Failure.GATEWAY_TIMEOUT: FaultKind.NETWORK,
    Failure.ON_HOLD: FaultKind.SUSPENDED,
}
IDLE = timedelta(seconds=1)
STARTED = {
    "type": "system",
    "subtype": "init",
    "model": "claude-haiku-5-5",
    "permissionMode": "default",
    "tools": ["Bash", "Edit", "Glob", "Grep", "Read", "Write"],
    "mcp_servers": [],
}
ENDED = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 0, "result": "All done."}


@pytest.fixture
async def sim() -> AsyncIterator[ClaudeSim]:
    async with claude() as running:
        yield running


@pytest.fixture
async def room(sim: ClaudeSim, tmp_path: Path) -> AsyncIterator[AgentRoom]:
    async with agent_room(tmp_path, sim, idle=IDLE) as opened:
        yield opened
        assert opened.left() == []


def bash(command: str) -> Step:
    return call("Bash", command=command, description="as scripted")


def kind_of(outcome: Outcome) -> FaultKind | None:
    assert outcome.verdict is Verdict.FAILED
    return outcome.fault.kind if outcome.fault else None


async def until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await SystemClock().sleep(0.02)


async def test_an_agent_works_with_its_own_tools(room: AgentRoom) -> None:
    (room.place / "stall.py").write_text("limit = 1\n")
    file = str(room.place / "stall.py")
    room.sim.script(
        [
            Step((Say("I look."), Call("Read", {"file_path": file}))),
            call("Edit", file_path=file, old_string="limit = 1", new_string="limit = 8"),
            bash("cat stall.py > ran.txt"),
            call(f"mcp__{SERVER}__follow_up", text="watch it", priority=9),
            say("Raised the limit."),
        ]
    )
    async with room.session() as session:
        outcome = await room.runner.run(session)
    assert (outcome.verdict, outcome.text, outcome.model) == (Verdict.ANSWERED, "Raised the limit.", MODEL)
    assert session.draft.text == "I look.\n\nRaised the limit."
    assert (room.place / "stall.py").read_text() == "limit = 8\n"
    assert (room.place / "ran.txt").read_text() == "limit = 8\n"
    assert room.room.follow_ups == [(1, "watch it", 9)]
    assert [line.usage for line in await room.room.booked()] == [usage_of(one) for one in room.sim.served]
    assert all(one.key == room.sim.key for one in room.sim.served)


async def test_people_are_told_what_it_does_without_names_of_files(room: AgentRoom) -> None:
    (room.place / "salaries.txt").write_text("secret\n")
    room.sim.script([call("Read", file_path=str(room.place / "salaries.txt")), bash("sleep 4"), say("Read.")])
    await room.run()
    (attempt,) = await room.room.store.queue.attempts(1)
    assert attempt.progress in ("reading 1 file", "running a command")
    assert attempt.doing == attempt.progress


@pytest.mark.parametrize("words", ["/config do it @/etc/passwd", "/cost", "@/etc/hostname", "--help", "!id"])
async def test_words_stay_words(room: AgentRoom, words: str) -> None:
    room.sim.script([say("Fine.")])
    assert (await room.run(Profile.READ, words)).text == "Fine."
    content = room.sim.served[0].messages[0]["content"]
    assert (content if isinstance(content, str) else content[-1]["text"]) == words
    assert "root:" not in str(room.sim.served[0].messages)


async def test_each_profile_has_its_tools_and_no_more(room: AgentRoom) -> None:
    for profile, writes, runs in ((Profile.READ, False, False), (Profile.EDIT, True, False)):
        room.sim.script(
            [
                call("Write", file_path=str(room.place / profile), content="x"),
                bash(f"touch {profile}-ran"),
                say("Tried."),
            ]
        )
        await room.run(profile)
        assert (room.place / profile).exists() is writes
        assert (room.place / f"{profile}-ran").exists() is runs
        assert ("Write" in room.sim.served[-1].tools, "Bash" in room.sim.served[-1].tools) == (writes, runs)


@pytest.mark.parametrize("failure", FAULTS)
async def test_a_failure_has_its_class_and_its_cost_after_one_request(
    room: AgentRoom, failure: Failure
) -> None:
    await _fails(room, failure, FAULTS[failure])


@pytest.mark.parametrize("failure", RARER_FAULTS)
async def test_a_rarer_failure_has_its_class_too(room: AgentRoom, failure: Failure) -> None:
    await _fails(room, failure, RARER_FAULTS[failure])


async def _fails(room: AgentRoom, failure: Failure, kind: FaultKind) -> None:
    room.sim.script([Step((HALF_HELD,))])
    room.sim.fail(failure)
    outcome = await room.run(Profile.READ)
    assert kind_of(outcome) is kind
    assert outcome.fault is not None
    assert outcome.fault.detail
    assert "inference gateway" not in outcome.fault.detail
    assert HALF_HELD.text.startswith(outcome.text)
    await room.sim.wait_for_served(1)
    assert len(room.sim.served) == 1
    booked, sent = await room.room.booked(), failure is Failure.HANG
    assert [line.usage for line in booked if not sent] == [
        usage_of(one) for one in room.sim.served if one.usage
    ]
    assert len(booked) == bool(room.sim.served[0].usage) or sent
    assert await room.room.still_open() == 0


async def test_a_cap_stops_it(room: AgentRoom) -> None:
    room.sim.script([bash(f"echo {number}") for number in range(40)])
    outcome = await room.run(cap_micro_usd=40_000)
    assert kind_of(outcome) is FaultKind.OVER_CAP
    spent = await room.room.store.ledger.spent(1)
    assert 40_000 <= spent < 80_000
    assert await room.room.still_open() == 0


async def test_a_stop_in_the_middle_of_a_tool_leaves_nothing(room: AgentRoom) -> None:
    room.sim.script([bash("setsid nohup sleep 3000 >/dev/null 2>&1 & touch began; sleep 300")])
    async with room.session() as session:
        running = asyncio.create_task(room.runner.run(session))
        await until((room.place / "began").exists)
        await until(lambda: any("sleep 3000" in line for line in marked(room.runs)))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert room.left() == []
    assert _processes("sleep", "3000") == []
    assert len(await room.room.booked()) == 1


async def test_nothing_survives_an_ordinary_end(room: AgentRoom) -> None:
    room.sim.script([bash("setsid nohup sleep 4000 >/dev/null 2>&1 & sleep 0.2"), say("Done.")])
    assert (await room.run()).text == "Done."
    assert room.left() == []
    assert _processes("sleep", "4000") == []


async def test_a_stop_while_the_api_is_silent_is_soon_over(room: AgentRoom) -> None:
    room.sim.script([Step((HALF_HELD,))])
    room.sim.hold()
    async with room.session(Profile.READ) as session:
        running = asyncio.create_task(room.runner.run(session))
        await room.sim.wait_for_held(timeout=30)
        running.cancel()
        await asyncio.wait({running}, timeout=10)
        assert running.cancelled()
    (line,) = await room.room.booked()
    assert line.estimated


async def test_the_wall_clock_ends_it_and_keeps_its_words(room: AgentRoom) -> None:
    room.sim.script([Step((Say("So far."), Call("Bash", {"command": "sleep 300", "description": "wait"})))])
    async with room.session() as session:
        short = replace(session, wall_clock=timedelta(seconds=8))
        outcome = await LocalSeats(room.runner).run(short)
    assert kind_of(outcome) is FaultKind.TIMEOUT
    assert outcome.text == "So far."


async def test_a_killed_agent_is_a_fault_and_nothing_is_left(room: AgentRoom) -> None:
    room.sim.script([bash("touch began; sleep 300")])
    async with room.session() as session:
        running = asyncio.create_task(room.runner.run(session))
        await until((room.place / "began").exists)
        for number in _processes(str(room.runs), "--input-format=stream-json"):
            os.kill(number, signal.SIGKILL)
        assert kind_of(await running) in (FaultKind.OUT_OF_MEMORY, FaultKind.LOST)
    assert len(await room.room.booked()) == 1


async def test_a_start_that_is_not_as_asked_costs_nothing(room: AgentRoom) -> None:
    async with room.session(Profile.READ) as session:
        gone = replace(
            session.access, tools=(*session.access.tools, replace(session.access.tools[0], name="x"))
        )
        outcome = await room.runner.run(replace(session, access=gone))
    assert kind_of(outcome) is FaultKind.RUNTIME
    assert outcome.fault is not None
    assert "list of tools" in outcome.fault.detail
    assert room.sim.served == []


async def test_a_gateway_out_of_reach_costs_nothing(room: AgentRoom) -> None:
    async with room.session(Profile.READ) as session:
        await room.room.gateway.close()
        outcome = await room.runner.run(session)
    assert kind_of(outcome) is FaultKind.RUNTIME
    assert room.sim.served == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'error: unknown option' >&2; exit 1", "unknown option"),
        (f"echo '{json.dumps(STARTED)}'; exec sleep 60", "permission mode is default and not dontAsk"),
        (f"cat >/dev/null & echo '{json.dumps(ENDED)}'", "without doing anything"),
    ],
)
async def test_a_program_that_does_not_do_as_asked_runs_no_session(
    room: AgentRoom, tmp_path: Path, script: str, words: str
) -> None:
    program = tmp_path / "claude"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    runner = ClaudeCodeRunner(room.runs, SystemClock(), UTC_ZONE, program=lambda: program)
    async with room.session(Profile.READ) as session:
        outcome = await runner.run(session)
    assert kind_of(outcome) is FaultKind.RUNTIME
    assert outcome.fault is not None
    assert words in outcome.fault.detail
    assert room.sim.served == []


class Proven(SelfTest):
    """A self-test that any program passes."""

    async def prove(self, program: Path, run: Run) -> None:
        """Does nothing."""


async def test_one_that_reads_nothing_ends_when_it_is_stopped(room: AgentRoom, tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\ntouch began\nexec sleep 6000\n")
    program.chmod(0o755)
    runner = ClaudeCodeRunner(room.runs, SystemClock(), UTC_ZONE, program=lambda: program, self_test=Proven())
    async with room.session(prompt="x" * 4_000_000) as session:
        running = asyncio.create_task(runner.run(session))
        await until((room.place / "began").exists)
        running.cancel()
        await asyncio.wait({running}, timeout=40)
        assert running.cancelled()


async def test_no_folder_is_so_deep_that_it_stays_or_costs_the_answer(room: AgentRoom) -> None:
    room.sim.script(
        [bash('cd $TMPDIR && perl -e \'for (1..3000) { mkdir "d"; chdir "d" }\'; pwd'), say("Dug.")]
    )
    assert (await room.run()).text == "Dug."
    assert room.left() == []


async def test_no_folder_is_so_deep_that_a_start_fails_of_it(room: AgentRoom) -> None:
    dig(room.runs / "7-1-left", 3_000)
    assert await room.runner.sweep() == 1


async def test_no_program_is_a_fault_of_the_runtime_with_its_remedy(room: AgentRoom) -> None:
    runner = ClaudeCodeRunner(room.runs, SystemClock(), UTC_ZONE, program=lambda: None)
    async with room.session(Profile.READ) as session:
        outcome = await runner.run(session)
    assert kind_of(outcome) is FaultKind.RUNTIME
    assert outcome.fault is not None
    assert "onequeue[claude-code]" in outcome.fault.detail


async def test_a_start_clears_up_after_a_kill(room: AgentRoom) -> None:
    left = room.runs / "7-1-left" / "run"
    left.mkdir(parents=True)
    environment = {"PATH": os.environ["PATH"], MARK: str(left)}
    survivor = await asyncio.create_subprocess_exec("sleep", "5000", env=environment, start_new_session=True)
    assert await room.runner.sweep() == 1
    assert await survivor.wait() == -signal.SIGKILL


async def test_what_it_says_it_cost_is_kept(room: AgentRoom) -> None:
    room.sim.script([say("Cheap.")])
    outcome = await room.run(Profile.READ)
    assert outcome.said_micro_usd is not None
    assert 0 < outcome.said_micro_usd < 10_000


def _processes(*words: str) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and process.name != str(os.getpid()):
            try:
                line = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            text = b" ".join(line).decode("utf-8", "replace")
            if all(word in text for word in words):
                found.append(int(process.name))
    return found
