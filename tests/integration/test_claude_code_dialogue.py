"""A session's process that has said its result: what comes after that costs no answer."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dispatch.ports import Access, Session
from dispatch.runners.claude_code.command import MARK
from dispatch.runners.claude_code.dialogue import Dialogue
from dispatch.runners.claude_code.permits import Permits
from dispatch.runners.claude_code.process import Process
from dispatch.runners.claude_code.report import Report
from dispatch.task import Outcome, Verdict
from tests.fakes.clock import FakeClock
from tests.fakes.turns import turn
from tests.integration.processes import until
from tests.unit.test_claude_code_report import ASKED, INIT

RESULT = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "num_turns": 1,
    "terminal_reason": "completed",
    "stop_reason": "end_turn",
    "result": "42",
}
READ = r"""
read -r line; line=${line##*'"uuid": "'}
echo '{"type": "command_lifecycle", "command_uuid": "'"${line%%'"'*}"'", "state": "started"}'
"""


def session() -> Session:
    access = Access("http://127.0.0.1:1", "oq-1-1-secret", ())
    return Session(1, 1, ASKED.model, "low", 8000, timedelta(minutes=5), "investigate stall", access)


async def begun(one: Session, folder: Path, *events: object) -> tuple[Dialogue, Report]:
    """A dialogue with a process that reads its prompt, says those events, and goes on until `go` is there."""
    told = "\n".join(json.dumps(event) for event in events)
    script = f"{READ}\ncat <<'END'\n{told}\nEND\nwhile [ ! -e go ]; do sleep 0.01; done"
    variables = {"PATH": "/usr/bin:/bin", MARK: str(folder / "run")}
    process = await Process.start(["sh", "-c", script], variables, folder)
    report = Report(ASKED, one.draft)
    permits = Permits(one.access, ASKED, folder, "", process.tell)
    clock, zone = FakeClock(), ZoneInfo("UTC")
    return Dialogue(one, process, report, permits, asyncio.Event(), clock, zone), report


async def as_it_is(outcome: Outcome) -> Outcome:
    return outcome


async def test_a_cut_after_the_result_costs_no_answer(tmp_path: Path) -> None:
    one = session()
    dialogue, report = await begun(one, tmp_path, INIT, RESULT)
    running = asyncio.create_task(dialogue.run(as_it_is))
    await until(lambda: report.is_over)
    running.cancel()
    (tmp_path / "go").touch()
    await asyncio.gather(running, return_exceptions=True)
    assert one.draft.ended == Outcome(Verdict.ANSWERED, "42")


@pytest.mark.parametrize(
    ("said", "ended"), [("", Outcome(Verdict.ANSWERED, "42")), ("and the refunds", None)]
)
async def test_a_cut_while_it_is_looked_for_more_costs_no_answer_and_no_words(
    tmp_path: Path, said: str, ended: Outcome | None
) -> None:
    looking, looked = asyncio.Event(), asyncio.Event()

    async def hear() -> str:
        looking.set()
        await looked.wait()
        return said

    one = replace(session(), hear=hear)
    dialogue, _ = await begun(one, tmp_path, INIT, RESULT)
    running = asyncio.create_task(dialogue.run(as_it_is))
    await looking.wait()
    running.cancel()
    (tmp_path / "go").touch()
    await turn()
    looked.set()
    await asyncio.gather(running, return_exceptions=True)
    assert one.draft.ended == ended
    assert running.cancelled() is (ended is None)


async def test_a_cut_while_what_it_waits_with_is_kept_leaves_it_waiting(tmp_path: Path) -> None:
    one = session()
    one = replace(one, access=replace(one.access, is_paused=lambda: True))
    dialogue, _ = await begun(one, tmp_path, INIT, RESULT)
    keeping, kept = asyncio.Event(), asyncio.Event()

    async def put_aside(outcome: Outcome) -> Outcome:
        keeping.set()
        await kept.wait()
        return replace(outcome, verdict=Verdict.ASKED)

    (tmp_path / "go").touch()
    running = asyncio.create_task(dialogue.run(put_aside))
    await keeping.wait()
    running.cancel()
    kept.set()
    await asyncio.gather(running, return_exceptions=True)
    assert one.draft.ended is not None
    assert one.draft.ended.verdict is Verdict.ASKED


async def test_a_cut_before_the_result_comes_to_nothing(tmp_path: Path) -> None:
    one = session()
    dialogue, report = await begun(one, tmp_path, INIT)
    running = asyncio.create_task(dialogue.run(as_it_is))
    await until(lambda: report.is_started)
    running.cancel()
    (tmp_path / "go").touch()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert one.draft.ended is None
