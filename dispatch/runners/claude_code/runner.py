"""Sessions of Claude Code: a real agent in a place of its own, behind the gateway and inside a jail."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from dispatch.diagnosis import ended
from dispatch.errors import Unreachable
from dispatch.faults import Fault, FaultKind
from dispatch.means import Beyond
from dispatch.ports import Access, Clock, Place, Session
from dispatch.removal import remove
from dispatch.runners.claude_code import jail
from dispatch.runners.claude_code.binary import find
from dispatch.runners.claude_code.command import (
    Asked,
    Sandbox,
    arguments,
    environment,
    tool_servers,
)
from dispatch.runners.claude_code.egress import to_domains
from dispatch.runners.claude_code.files import laid_out, with_folder
from dispatch.runners.claude_code.hearing import Hearing
from dispatch.runners.claude_code.jail import Cell, Isolation, Level, jailed
from dispatch.runners.claude_code.permits import Permits
from dispatch.runners.claude_code.process import Process, event, kill_marked, stop, uninterrupted
from dispatch.runners.claude_code.relay import Doors, to_gateway
from dispatch.runners.claude_code.report import Report
from dispatch.runners.claude_code.selftest import SelfTest
from dispatch.runners.claude_code.thread import HERE, Thread, begun, put_aside
from dispatch.task import Outcome, Verdict
from dispatch.transcript import PEOPLE, Kind

TOLD_EACH = 3.0
"""Seconds between two progress lines."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Folder:
    """The folders of one run, gone with it: `run` is the session's, `doors` only ours."""

    run: Path
    doors: Path


class ClaudeCodeRunner:
    """`ports.Runner` that starts one Claude Code for each session, in `folder`, and leaves nothing of it.

    `bare` lets sessions run where no jail can be made. A program that does not pass the
    `self_test` runs no session.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        zone: ZoneInfo,
        *,
        bare: bool = False,
        self_test: SelfTest | None = None,
        program: Callable[[], Path | None] = find,
        probe: Callable[[], Awaitable[Isolation]] = jail.isolation,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._zone = zone
        self._bare = bare
        self._program = program
        self._probe = probe
        self._self_test = self_test or SelfTest()
        self._isolation: Isolation | None = None

    async def isolation(self) -> Isolation:
        """How well sessions are shut in on this machine."""
        if self._isolation is None or self._isolation.level is Level.NONE:
            self._isolation = await self._probe()
        return self._isolation

    async def sweep(self) -> int:
        """Ends and removes what a killed Onequeue left of its sessions. How many runs. For the start."""
        await asyncio.to_thread(kill_marked, str(self._folder))
        left = list(self._folder.iterdir()) if self._folder.exists() else []
        for run in left:
            await asyncio.to_thread(remove, run)
        return len(left)

    async def run(self, session: Session) -> Outcome:
        """One fresh agent, from the prompt to its result event, and nothing of it afterwards."""
        try:
            program, isolation = await self._ready()
            await self._self_test.prove(program, lambda tiny: self._once(tiny, program, isolation))
            return await self._once(session, program, isolation)
        except (Unreachable, OSError) as error:
            return _failed(session, Fault(FaultKind.RUNTIME, f"Claude Code cannot be started: {error}"))

    async def _once(self, session: Session, program: Path, isolation: Isolation) -> Outcome:
        async with self._run_folder(session) as folder:
            return await self._at_work(session, program, isolation, folder)

    async def _ready(self) -> tuple[Path, Isolation]:
        program = self._program()
        if program is None:
            raise Unreachable(
                'it is not installed; install "onequeue[claude-code]" or put `claude` on the path'
            )
        isolation = await self.isolation()
        if isolation.level is Level.NONE and not self._bare:
            raise Unreachable(
                f'sessions cannot be shut in here: {isolation.words}, or set isolation = "none"'
            )
        return program, isolation

    @asynccontextmanager
    async def _run_folder(self, session: Session) -> AsyncIterator[_Folder]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        base = Path(tempfile.mkdtemp(prefix=f"{session.task_id}-{session.attempt}-", dir=self._folder))
        try:
            folder = _Folder(base / "run", base / "doors")
            jail.furnish(folder.doors)
            for name in ("home", "config", "tmp", HERE):
                (folder.run / name).mkdir(parents=True)
            yield folder
        finally:
            await asyncio.to_thread(remove, base)

    async def _at_work(
        self, session: Session, program: Path, isolation: Isolation, folder: _Folder
    ) -> Outcome:
        place = session.place or Place(folder.run / HERE)
        tools = tuple(tool.name for tool in session.access.tools)
        asks = session.means.beyond is Beyond.ASK
        files = await asyncio.to_thread(laid_out, session.attachments, folder.run)
        asked = Asked(session.model, session.means.profile, tools, asks, files)
        thread = await asyncio.to_thread(begun, session, folder.run)
        report, opened = Report(asked, session.draft, session.recorder), asyncio.Event()
        async with Doors() as doors:
            opening = _Opening(session, asked, program, folder, place, opened, thread)
            if isolation.level is Level.NONE:
                command, variables = await self._bare_command(doors, opening)
            else:
                command, variables = await self._jailed_command(doors, opening, isolation)
            process = await Process.start(command, variables, place.path)
            permits = Permits(session.access, asked, place.path, thread.granted, process.tell)
            words = await _with_what_was_said(session, thread)
            said = replace(session, prompt=with_folder(words, session.attachments, files))
            outcome = await self._converse(said, process, report, opened, permits)
            if session.access.is_paused():
                return await put_aside(thread, session, folder.run, permits.waits_for, outcome)
            return outcome

    async def _jailed_command(
        self, doors: Doors, opening: "_Opening", isolation: Isolation
    ) -> tuple[list[str], dict[str, str]]:
        session, folder, url = opening.session, opening.folder, opening.session.access.base_url
        domains = session.means.project.domains if session.means.project else ()
        ports = {jail.API_PORT: "api", jail.TOOLS_PORT: "tools"}
        await doors.at(folder.doors / "api", to_gateway(url, opening.opened))
        await doors.at(folder.doors / "tools", to_gateway(url))
        if domains:
            ports[jail.PROXY_PORT] = "proxy"
            await doors.at(folder.doors / "proxy", to_domains(domains))
        sandbox = Sandbox(
            weaker=isolation.level is Level.NESTED,
            domains=domains,
            proxy_port=jail.PROXY_PORT if domains else None,
            hidden=(folder.run / "config", Path("/run/onequeue")),
        )
        cell = Cell(folder.run, opening.place.path, opening.program, folder.doors, ports, opening.place.repo)
        command, variables = opening.command(jail.API_PORT, jail.TOOLS_PORT, jail.TEMP, sandbox)
        return jailed(cell, command), variables

    async def _bare_command(self, doors: Doors, opening: "_Opening") -> tuple[list[str], dict[str, str]]:
        url = opening.session.access.base_url
        api = await doors.on_loopback(to_gateway(url, opening.opened))
        tools = await doors.on_loopback(to_gateway(url))
        return opening.command(api, tools, opening.folder.run / "tmp", None)

    async def _converse(
        self, session: Session, process: Process, report: Report, opened: asyncio.Event, permits: Permits
    ) -> Outcome:
        hearing = Hearing(session, process.tell, self._clock)
        reading = asyncio.create_task(self._read(process, report, opened, permits, hearing))
        telling = asyncio.create_task(self._tell(session.access, report))
        listening = asyncio.create_task(hearing.listen())
        try:
            await hearing.begin()
            await asyncio.wait({reading})
        except asyncio.CancelledError:
            listening.cancel()
            await uninterrupted(stop(process, reading))
            raise
        finally:
            telling.cancel()
            listening.cancel()
            await uninterrupted(process.kill() if report.wrong else process.end())
            reading.cancel()
            report.close()
            await permits.close()
        if reading.done() and not reading.cancelled() and (broke := reading.exception()):
            raise broke
        return self._outcome(session, process, report)

    async def _read(
        self, process: Process, report: Report, opened: asyncio.Event, permits: Permits, hearing: Hearing
    ) -> None:
        async for line in process.lines():
            told = event(line)
            report.take(told)
            permits.take(told)
            hearing.take(told)
            if report.wrong:
                return
            if report.is_started:
                opened.set()
            if report.is_over:
                if report.is_answered:
                    await hearing.look()
                if not (report.is_answered and hearing.is_unread):
                    process.hang_up()
                    return
                report.go_on()

    async def _tell(self, access: Access, report: Report) -> None:
        told = ""
        while access.tell is not None:
            if report.doing != told:
                told = report.doing
                await access.tell(told)
            await self._clock.sleep(TOLD_EACH)

    def _outcome(self, session: Session, process: Process, report: Report) -> Outcome:
        if report.wrong:
            return _failed(
                session, Fault(FaultKind.RUNTIME, f"Claude Code did not start as asked: {report.wrong}")
            )
        facts = report.facts(process.exit_code, process.stderr, killed_by_us=False)
        fault = ended(facts, self._clock.now(), self._zone)
        if fault is None and report.tools_broke:
            fault = Fault(FaultKind.RUNTIME, f"none of its tools could start: {report.tool_results[0][:200]}")
        if fault is not None:
            return _failed(session, fault, report.said_micro_usd)
        text, model = facts.result.strip(), session.draft.model
        return Outcome(Verdict.ANSWERED, text, model, said_micro_usd=report.said_micro_usd)


@dataclass(frozen=True, slots=True)
class _Opening:
    """What a session is opened with; its way to the gateway is shut until `opened`."""

    session: Session
    asked: Asked
    program: Path
    folder: _Folder
    place: Place
    opened: asyncio.Event
    thread: Thread

    def command(
        self, api_port: int, tools_port: int, temp: Path, sandbox: Sandbox | None
    ) -> tuple[list[str], dict[str, str]]:
        """The program with its arguments, and its environment."""
        session, key = self.session, self.session.access.key
        tools_url = f"http://127.0.0.1:{tools_port}/mcp"
        servers = self.folder.run / "config" / "servers.json"
        servers.write_text(tool_servers(self.asked, tools_url, key))
        called = arguments(self.asked, session.effort, servers, sandbox, self.thread.option)
        variables = environment(
            self.folder.run,
            temp,
            f"http://127.0.0.1:{api_port}",
            key,
            session.max_output_tokens,
            jail.PATH,
        )
        return [str(self.program), *called], variables


async def _with_what_was_said(session: Session, thread: Thread) -> str:
    """What a session begins with; where it goes on also what was said to its task meanwhile."""
    said = "" if session.resumed is None else await session.hear()
    if said:
        session.recorder.add(PEOPLE, Kind.SAID, said)
    return "\n\n".join(part for part in (thread.words, said) if part)


def _failed(session: Session, fault: Fault, said_micro_usd: int | None = None) -> Outcome:
    draft = session.draft
    return Outcome(Verdict.FAILED, draft.text, draft.model, fault, said_micro_usd=said_micro_usd)
