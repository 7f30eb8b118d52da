"""Disks and files as bad as they come, made real where this user may do that."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _done(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class SmallDisk:
    """A disk of its own that can be filled to the last byte, and emptied again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, leave: int = 0) -> None:
        """Takes all the room but so many bytes."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                file.truncate(max(0, file.tell() - leave))

    def make_room(self) -> None:
        """Gives all of it back."""
        self._filler.unlink()


@contextmanager
def small_disk(folder: Path, size: str = "4m") -> Iterator[SmallDisk]:
    """A disk of that size in the folder. Only root may mount one.

    For others `max_page_count`, in test_database.py, stands for the full disk.
    """
    folder.mkdir()
    if not _done("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)):
        pytest.skip("this user may not mount a disk: max_page_count in test_database.py stands for it")
    try:
        yield SmallDisk(folder)
    finally:
        _done("umount", "-l", str(folder))


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Makes a file or folder read-only, for root too: by the immutable flag, or by a read-only mount.

    For users whom permissions bind, by those.
    """
    mode = path.stat().st_mode
    path.chmod(mode & ~0o222)
    undo: tuple[str, ...] | None = None
    if _writes(path):
        if _done("chattr", "+i", str(path)):
            undo = ("chattr", "-i", str(path))
        elif _done("mount", "--bind", str(path), str(path)):
            undo = ("umount", "-l", str(path))
            _done("mount", "-o", "remount,bind,ro", str(path))
    try:
        if _writes(path):
            pytest.skip("root may write everything here: query_only in test_database.py stands for it")
        yield
    finally:
        if undo:
            _done(*undo)
        path.chmod(mode)


HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another_program(path: Path) -> Iterator[None]:
    """A process of somebody else's that writes the file and does not end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.kill()


def _writes(path: Path) -> bool:
    try:
        if path.is_dir():
            probe = path / "probe"
            probe.touch()
            probe.unlink()
        else:
            path.open("ab").close()
    except OSError:
        return False
    return True
