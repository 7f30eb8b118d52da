"""Repositories that a session made or cloned in its place: git would keep none of their files."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from dispatch.removal import remove

_GITLINK = "160000 "
_NOTES = ".git"


async def open_up(files: Path, git: Callable[..., Awaitable[str]]) -> None:
    """Makes plain folders of them, all but the project's own submodules. Raises what `git` does."""
    nested = await asyncio.to_thread(_nested, files)
    if not nested:
        return
    listed = (await git("ls-files", "--stage", "-z")).split("\0")
    submodules = {entry.partition("\t")[2] for entry in listed if entry.startswith(_GITLINK)}
    for folder in nested:
        if folder.relative_to(files).as_posix() not in submodules:
            await asyncio.to_thread(remove, folder / _NOTES)


def _nested(files: Path) -> list[Path]:
    found, waiting = list[Path](), [files]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as within:
                entries = list(within)
        except OSError:
            continue
        for entry in entries:
            if entry.name == _NOTES:
                found.append(folder)
            elif entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
    return [folder for folder in found if folder != files]
