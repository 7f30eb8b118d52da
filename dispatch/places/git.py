"""Running git. Nothing that a session left in a worktree is run or obeyed."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from dispatch.errors import NoPlace, Unreachable

GIT_SECONDS = 120.0
"""How long one git command may take."""

_KEPT_WORDS = 500
_PASSED_ON = ("PATH", "HOME", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "LANG")
_SAFE = (
    "safe.directory=*",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "diff.ignoreSubmodules=all",
    "submodule.recurse=false",
    "protocol.ext.allow=never",
    "commit.gpgSign=false",
    "gc.auto=0",
    "user.name=Onequeue",
    "user.email=onequeue@localhost",
)


class Failed(Exception):
    """A command that did not succeed, with the end of what it said."""


async def git(*arguments: str, folder: Path, where: Sequence[str] = ()) -> str:
    """What git says, without the space around it. Raises Failed, Unreachable."""
    options = [part for setting in _SAFE for part in ("-c", setting)]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", *options, *where, *arguments]
    return await run(command, folder, {**environment, **quiet}, GIT_SECONDS)


async def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float) -> str:
    """What the command says. All of it is ended when the time is over. Raises Failed, Unreachable."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise Unreachable(f"{command[0]} does not run: {error.strerror}") from error
    try:
        async with asyncio.timeout(seconds):
            said, complained = await process.communicate()
    except TimeoutError:
        raise Failed(f"it was not done after {seconds:g} s") from None
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        words = (complained.strip() or said.strip()).decode("utf-8", "replace")
        raise Failed(words[-_KEPT_WORDS:] or f"it ended with {process.returncode}")
    return said.decode("utf-8", "replace").strip()


async def repository(repo: Path) -> Path:
    """The folder in which the repository keeps everything. Raises NoPlace, Unreachable."""
    try:
        return Path(await git("rev-parse", "--path-format=absolute", "--git-common-dir", folder=repo))
    except Failed as error:
        raise NoPlace(f"{repo} is no git repository that can be used: {error}") from error
