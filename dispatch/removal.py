"""Removing a folder, whatever a stranger's program has left in it."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def remove(folder: Path) -> None:
    """Removes the folder and all that is in it, as far as that can be done. Raises nothing.

    What lies deep is moved up before it is looked into, and what is shut is opened, so that neither
    depth nor permissions keep it.
    """
    if folder.is_symlink() or not folder.is_dir():
        with suppress(OSError):
            folder.unlink()
        return
    found, waiting = list[Path](), [folder]
    while waiting:
        found.append(waiting.pop())
        waiting += _without_files(found[-1], folder)
    for one in reversed(found):
        with suppress(OSError):
            one.rmdir()


def _without_files(folder: Path, top: Path) -> list[Path]:
    """Removes the files in a folder. The folders that were in it, where they are now."""
    folders = list[Path]()
    try:
        folder.chmod(0o700)
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:
        return folders
    for entry in entries:
        with suppress(OSError):
            if not entry.is_dir(follow_symlinks=False):
                Path(entry.path).unlink()
                continue
            within = Path(entry.path)
            within.chmod(0o700)
            folders.append(within if folder == top else within.rename(top / uuid4().hex))
    return folders
