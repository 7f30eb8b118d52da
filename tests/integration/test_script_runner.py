"""Scripts as real processes: what they get, what is kept of them, and that nothing of them stays."""

import asyncio
import json
import os
import signal
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.faults import Fault, FaultKind
from dispatch.runners.script import ScriptRunner
from dispatch.seats.local import LocalSeats
from dispatch.task import Outcome, Verdict
from tests.fakes.scripts import script_session
from tests.integration.processes import running, until

PATH = os.environ["PATH"]
SHOW = (
    sys.executable,
    "-S",
    "-c",
    "import os, json, sys; print(json.dumps([dict(os.environ), sys.argv[1:], os.getcwd()]))",
)


def seats(home: Path) -> LocalSeats:
    return LocalSeats(ScriptRunner(PATH, str(home)))


async def is_there(path: str) -> bool:
    return await asyncio.to_thread(os.path.exists, path)


async def run(home: Path, *command: str, words: str = "", seconds: float = 30) -> Outcome:
    return await seats(home).run(script_session(*command, words=words, seconds=seconds))


async def test_what_it_says_is_the_answer_where_it_ends_well(tmp_path: Path) -> None:
    said = await run(tmp_path, "sh", "-c", "echo one; echo two >&2; echo three")
    assert said == Outcome(Verdict.ANSWERED, "one\ntwo\nthree\n")


@pytest.mark.parametrize(
    ("command", "detail"),
    [
        (("sh", "-c", "echo half; exit 3"), "it ended with exit status 3"),
        (("sh", "-c", "echo half; kill -9 $$"), "it was ended by SIGKILL"),
    ],
)
async def test_an_end_that_is_not_well_is_a_fault_and_keeps_what_was_said(
    tmp_path: Path, command: tuple[str, ...], detail: str
) -> None:
    failed = Outcome(Verdict.FAILED, "half\n", fault=Fault(FaultKind.SCRIPT, detail))
    assert await run(tmp_path, *command) == failed


async def test_a_command_that_is_not_there_is_said(tmp_path: Path) -> None:
    outcome = await run(tmp_path, "no-such-command")
    fault = Fault(FaultKind.SCRIPT, "its command could not be run: No such file or directory")
    assert outcome == Outcome(Verdict.FAILED, fault=fault)


async def test_its_environment_is_what_was_promised_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_API_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        monkeypatch.setenv(name, "sk-ant-a-secret")
    outcome = await run(tmp_path, *SHOW, words="last week")
    found, arguments, folder = json.loads(outcome.text)
    assert found == {
        "PATH": PATH,
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "TASK": "42",
        "REQUESTER": "UANA00001",
        "WORDS": "last week",
    }
    assert arguments == []
    assert folder != str(Path.cwd())
    assert not await is_there(folder), "its directory is gone with it"


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["$(id)", "; rm -rf x", "`id`", "--help", "-c\n", "'\"", "$WORDS", "* ?"]) | st.text())
def test_words_of_strangers_never_reach_an_argument_list(tmp_path: Path, words: str) -> None:
    found, arguments, _ = json.loads(asyncio.run(run(tmp_path, *SHOW, "$WORDS", words=words)).text)
    assert arguments == ["$WORDS"], "no shell has read it"
    assert found["WORDS"].replace("?", "") == words.replace("\0", "").replace("?", "")


@pytest.mark.parametrize("stream", ["1", "2"])
async def test_a_megabyte_on_either_stream_does_not_block_and_is_capped(tmp_path: Path, stream: str) -> None:
    command = f"echo begin >&{stream}; head -c 1000000 /dev/zero | tr '\\0' x >&{stream}; echo; echo end"
    outcome = await run(tmp_path, "sh", "-c", command)
    assert outcome.verdict is Verdict.ANSWERED
    assert outcome.text.startswith("begin\n…")
    assert outcome.text.endswith("end\n")
    assert "bytes left out" in outcome.text
    assert len(outcome.text) < 25_000


HIDING = {
    "a child": "sleep {0} & sleep {0}",
    "a session of its own": "setsid nohup sleep {0} & sleep {0}",
    "a bare environment": "env -i setsid nohup sleep {0} & sleep {0}",
    "a parent that is gone": "( ( setsid sleep {0} & ) & ); sleep {0}",
    "deaf to signals": "trap '' TERM INT HUP; sleep {0} & sleep {0}; sleep {0}",
}


def an_age() -> str:
    """A number of seconds that no other process on this machine sleeps for."""
    return str(10**6 + uuid.uuid4().int % 10**8)


@pytest.mark.parametrize("how", HIDING)
async def test_nothing_survives_a_session_that_is_ended(tmp_path: Path, how: str) -> None:
    age = an_age()
    after = tmp_path / "after"
    command = f"echo begun; pwd; {HIDING[how].format(age)}; touch {after}"
    session = script_session("sh", "-c", command)
    sitting = asyncio.create_task(seats(tmp_path).run(session))
    await until(lambda: running(f"sleep {age}") >= 2)
    sitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sitting
    begun, folder = session.draft.text.splitlines()
    assert begun == "begun", "what it said until then is kept"
    assert running(f"sleep {age}") == 0
    assert not await is_there(folder)
    assert not await is_there(str(after)), "nothing goes on to its next step meanwhile"


async def test_nothing_survives_the_time_limit(tmp_path: Path) -> None:
    age = an_age()
    command = f"echo begun; {HIDING['a session of its own'].format(age)}"
    outcome = await run(tmp_path, "sh", "-c", command, seconds=5)
    assert (outcome.verdict, outcome.text) == (Verdict.FAILED, "begun\n")
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.TIMEOUT
    assert running(f"sleep {age}") == 0


async def test_nothing_survives_the_end_of_the_command(tmp_path: Path) -> None:
    age = an_age()
    outcome = await run(tmp_path, "sh", "-c", f"setsid nohup sleep {age} & echo done")
    assert outcome == Outcome(Verdict.ANSWERED, "done\n")
    assert running(f"sleep {age}") == 0


async def test_nothing_survives_the_process_that_wanted_it(tmp_path: Path) -> None:
    age, where = an_age(), tmp_path / "where"
    code = (
        "import asyncio, sys\n"
        "from dispatch.runners.script import ScriptRunner\n"
        "from tests.fakes.scripts import script_session\n"
        f"session = script_session('sh', '-c', 'pwd > {where}; setsid sleep {age} & sleep {age}')\n"
        f"asyncio.run(ScriptRunner({PATH!r}, {str(tmp_path)!r}).run(session))\n"
    )
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=Path(__file__).parents[2])
    await until(lambda: running(f"sleep {age}") >= 2)
    bot.send_signal(signal.SIGKILL)
    await bot.wait()
    await until(lambda: running(f"sleep {age}") == 0)
    folder = where.read_text(encoding="utf-8").strip()
    await until(lambda: not os.path.exists(folder))  # noqa: PTH110


async def test_nothing_survives_a_session_that_is_ended_while_it_starts(tmp_path: Path) -> None:
    age = an_age()
    for turns in range(12):
        session = script_session("sh", "-c", f"setsid sleep {age} & sleep {age}")
        sitting = asyncio.create_task(seats(tmp_path).run(session))
        for _ in range(turns):
            await asyncio.to_thread(os.sched_yield)
        sitting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sitting
        assert running(f"sleep {age}") == 0
