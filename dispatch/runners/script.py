"""Sessions that run a script: one command, watched over by a keeper that ends all it has started."""

import asyncio
import json
import logging
import signal
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any

from dispatch.faults import Fault, FaultKind
from dispatch.ports import Session
from dispatch.runners import keeper
from dispatch.runners.output import Output
from dispatch.scripts import Script, environment
from dispatch.task import Outcome, Verdict

_CHUNK = 65_536
_LONGEST_END = 10.0
"""Seconds. A keeper that has not ended everything by then is ended itself."""

_log = logging.getLogger(__name__)


class ScriptRunner:
    """`ports.Runner` of the sessions that have a script. Exit status 0 makes what it said the answer.

    `path` and `home` are the PATH and HOME of every script.
    """

    def __init__(self, path: str, home: str) -> None:
        self._path = path
        self._home = home

    async def run(self, session: Session) -> Outcome:
        """One run of the session's script, to its end and the end of all that it has started."""
        if session.script is None:
            return _failed("", Fault(FaultKind.SCRIPT, "there is no script to run"))
        output, unwanted = Output(), asyncio.Event()
        # A task of its own, which nobody cancels: half a start could not be ended in order.
        running = asyncio.create_task(
            self._run(session, session.script, output, unwanted), name=f"script of {session.task_id}"
        )
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            unwanted.set()
            await asyncio.wait({running})
            raise
        finally:
            session.draft.text = output.text

    async def _run(
        self, session: Session, script: Script, output: Output, unwanted: asyncio.Event
    ) -> Outcome:
        try:
            process = await self._start(session, script)
        except OSError as error:
            return _failed("", Fault(FaultKind.RUNTIME, f"no process could be started ({error.strerror})"))
        following = asyncio.create_task(_follow(process, output))
        stopping = asyncio.create_task(unwanted.wait())
        await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await _end(process, following)
        told = following.result() if following.done() and not following.cancelled() else b""
        outcome = _outcome(told, output.text)
        if not unwanted.is_set():
            session.draft.outcome = outcome
        return outcome

    async def _start(self, session: Session, script: Script) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            keeper.__file__,
            *script.command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=environment(self._path, self._home, session.task_id, session.requester, session.prompt),
            # Ctrl-C at a terminal is for the bot, which ends its sessions itself.
            start_new_session=True,
        )


async def _follow(process: Process, output: Output) -> bytes:
    """Takes all that is said until the keeper has ended; its own words."""
    told, _, _ = await asyncio.gather(_all_of(process.stderr), _take(process.stdout, output), process.wait())
    return told


async def _all_of(stream: asyncio.StreamReader | None) -> bytes:
    return await stream.read() if stream else b""


async def _take(stream: asyncio.StreamReader | None, output: Output) -> None:
    while stream and (said := await stream.read(_CHUNK)):
        output.add(said)


async def _end(process: Process, following: "asyncio.Task[bytes]") -> None:
    """Tells the keeper to end everything, and waits for it."""
    if process.stdin:
        process.stdin.close()
    await asyncio.wait({following}, timeout=_LONGEST_END)
    if not following.done():
        _log.error("process %d cannot end all that its script has started; look after it", process.pid)
        process.kill()
        await asyncio.wait({following}, timeout=_LONGEST_END)
        following.cancel()


def _outcome(told: bytes, text: str) -> Outcome:
    match _read(told):
        case {"exit": 0}:
            return Outcome(Verdict.ANSWERED, text)
        case {"exit": int(status)}:
            return _failed(text, Fault(FaultKind.SCRIPT, f"it ended with exit status {status}"))
        case {"signal": int(number)}:
            return _failed(text, Fault(FaultKind.SCRIPT, f"it was ended by {_signal_name(number)}"))
        case {"error": str(why)}:
            return _failed(text, Fault(FaultKind.SCRIPT, f"its command could not be run: {why}"))
        case _:
            _log.error("a keeper broke: %s", told.decode("utf-8", "replace"))
            return _failed(text, Fault(FaultKind.SCRIPT, "what watches over it was ended"))


def _read(told: bytes) -> Any:
    try:
        return json.loads(told)
    except ValueError:
        return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _failed(text: str, fault: Fault) -> Outcome:
    return Outcome(Verdict.FAILED, text, fault=fault)
