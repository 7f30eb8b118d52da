"""A project's setup command, run in a fresh worktree and shut in as the session after it will be."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dispatch.errors import NoPlace, Unreachable
from dispatch.means import Project
from dispatch.ports import Place
from dispatch.removal import remove
from dispatch.runners.claude_code import jail
from dispatch.runners.claude_code.command import MARK
from dispatch.runners.claude_code.egress import to_domains
from dispatch.runners.claude_code.jail import Cell, Isolation, Level, jailed
from dispatch.runners.claude_code.process import kill_marked
from dispatch.runners.claude_code.relay import Doors
from dispatch.runners.output import Output

SETUP_SECONDS = 600.0
"""How long a project's setup may take."""

_KEPT_WORDS = 500
_TO_BE_HEARD = 5.0
_CHUNK = 65_536
_PROXY = f"http://127.0.0.1:{jail.PROXY_PORT}"
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")


class JailedSetups:
    """`ports.Setups` in the jail that sessions run in, with the network of the project's domains alone.

    `folder` is the one of the sessions' runs. Where no jail can be made nothing runs, unless `bare` is
    given: the variables of a setup that is not shut in.
    """

    def __init__(
        self,
        folder: Path,
        isolation: Callable[[], Awaitable[Isolation]],
        bare: Mapping[str, str] | None = None,
        seconds: float = SETUP_SECONDS,
    ) -> None:
        self._folder = folder
        self._isolation = isolation
        self._bare = bare
        self._seconds = seconds

    async def run(self, project: Project, place: Place) -> None:
        """The setup from its start to the end of all that it has started."""
        if not project.setup:
            return
        isolation = await self._isolation()
        if isolation.level is Level.NONE and self._bare is None:
            raise Unreachable(f"the setup of {project.name} cannot be shut in here: {isolation.words}")
        try:
            async with self._base(project) as base, Doors() as doors:
                command, variables = ["/bin/sh", "-c", project.setup], dict(self._bare or {})
                if isolation.level is not Level.NONE:
                    cell, variables = await _cell(project, place, base, doors)
                    command = jailed(cell, command)
                await self._finish(project, command, {**variables, MARK: str(base)}, place.path)
        except OSError as error:
            raise Unreachable(f"the setup of {project.name} does not start: {error.strerror}") from error

    @asynccontextmanager
    async def _base(self, project: Project) -> AsyncIterator[Path]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        base = Path(tempfile.mkdtemp(prefix=f"setup-{project.name}-", dir=self._folder))
        try:
            yield base
        finally:
            await asyncio.to_thread(remove, base)

    async def _finish(
        self, project: Project, command: list[str], variables: Mapping[str, str], folder: Path
    ) -> None:
        output = Output()
        async with _heard(output) as said:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=dict(variables),
                cwd=folder,
                start_new_session=True,
            )
            said.close()
            try:
                async with asyncio.timeout(self._seconds):
                    await process.wait()
            except TimeoutError:
                late = f"the setup of {project.name} was not done after {self._seconds:g} s"
                raise NoPlace(late) from None
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                await asyncio.to_thread(kill_marked, variables[MARK])
        if process.returncode != 0:
            words = output.text.strip()[-_KEPT_WORDS:] or f"it ended with {process.returncode}"
            raise NoPlace(f"the setup of {project.name} failed: {words}")


async def _cell(project: Project, place: Place, base: Path, doors: Doors) -> tuple[Cell, dict[str, str]]:
    run, entrance = base / "run", base / "doors"
    for name in ("home", "tmp"):
        (run / name).mkdir(parents=True)
    jail.furnish(entrance)
    variables = {
        "PATH": ":".join(jail.PATH),
        "HOME": str(run / "home"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(jail.TEMP),
    }
    ports = {}
    if project.domains:
        await doors.at(entrance / "proxy", to_domains(project.domains))
        ports[jail.PROXY_PORT] = "proxy"
        variables |= dict.fromkeys(_PROXIES, _PROXY)
    return Cell(run, place.path, None, entrance, ports, place.repo), variables


@asynccontextmanager
async def _heard(output: Output) -> AsyncIterator[BinaryIO]:
    """A file to be closed once a process has it: what that writes is added to the output.

    What has escaped without a jail may hold the file for ever: it is not waited for.
    """
    ours, theirs = os.pipe()
    stream = asyncio.StreamReader()
    with os.fdopen(ours, "rb") as reading, os.fdopen(theirs, "wb") as writing:
        ears, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), reading
        )
        hearing = asyncio.create_task(_hear(stream, output))
        try:
            yield writing
        finally:
            writing.close()
            await asyncio.wait({hearing}, timeout=_TO_BE_HEARD)
            hearing.cancel()
            ears.close()


async def _hear(stream: asyncio.StreamReader, output: Output) -> None:
    while said := await stream.read(_CHUNK):
        output.add(said)
