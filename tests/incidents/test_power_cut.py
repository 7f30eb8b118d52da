"""The power fails under load, again and again: what is on the disk opens and tells a consistent story.

The writing process is frozen, its file and its write-ahead log are copied as they are, and it goes on.
Of each copy a second one is made whose log lacks its end from a random byte on: cut off, or never
written. What had been written back into the database by then had been synced before, so that part of
the log is always there.
"""

import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatch.store import Store
from tests.contracts.stores import two_each
from tests.incidents.load import NOW
from tests.incidents.story import Said, contradictions, missing

RUNS, COPIES = 6, 20
LINES = 120
"""How many acknowledgements lie between two copies at most."""

WAL_HEADER, FRAME = 32, 24 + 4096
ROOT = Path(__file__).parents[2]


@dataclass
class Machine:
    """The loaded process. `said` is what it has acknowledged so far."""

    process: subprocess.Popen[bytes]
    said: list[Said]
    rest: bytes = b""

    def run(self, lines: int) -> None:
        """Lets it go on until it has said so many things more."""
        until = len(self.said) + lines
        while len(self.said) < until:
            self._take(os.read(self._out, 65536))

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still wherever it is."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)
        os.set_blocking(self._out, False)
        try:
            while True:
                self._take(os.read(self._out, 65536))
        except BlockingIOError:
            os.set_blocking(self._out, True)
        yield
        self.process.send_signal(signal.SIGCONT)

    @property
    def _out(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def _take(self, data: bytes) -> None:
        assert data, "the load has ended"
        *whole, self.rest = (self.rest + data).split(b"\n")
        self.said += [tuple(line.decode().split()) for line in whole]


@contextmanager
def loaded(path: Path, seed: int) -> Iterator[Machine]:
    """A process under load."""
    command = [sys.executable, "-m", "tests.incidents.load", str(path), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            yield Machine(process, [])
        finally:
            process.kill()


@dataclass(frozen=True)
class Copy:
    """The files as they were. `said` acknowledgements came before; `durable` bytes of the log are sure."""

    path: Path
    said: int
    durable: int

    @property
    def wal(self) -> Path:
        return Path(f"{self.path}-wal")


def copied(database: Path, folder: Path, said: int) -> Copy:
    """Copies the files of a frozen process."""
    folder.mkdir()
    path = folder / database.name
    shutil.copyfile(database, path)
    shutil.copyfile(f"{database}-wal", f"{path}-wal")
    index = Path(f"{database}-shm").read_bytes()
    return Copy(path, said, durable(Path(f"{path}-wal").read_bytes(), index))


def durable(wal: bytes, index: bytes) -> int:
    """How many bytes of the log were synced because pages of them have been written back, at least."""
    if len(wal) < WAL_HEADER or wal[16:24] != index[32:40]:
        return len(wal)
    (written_back,) = struct.unpack_from("=I", index, 96)
    (begun,) = struct.unpack_from("=I", index, 128)
    frames = max(written_back, begun)
    return WAL_HEADER + frames * FRAME if frames else 0


def cut(copy: Copy, folder: Path, chance: random.Random) -> Path | None:
    """A second copy without the end of its log; None where all of the log is sure."""
    wal = copy.wal.read_bytes()
    if copy.durable >= len(wal):
        return None
    folder.mkdir()
    path = Path(shutil.copyfile(copy.path, folder / copy.path.name))
    kept = wal[: chance.randint(copy.durable, len(wal) - 1)]
    unwritten = bytes(len(wal) - len(kept)) if chance.random() < 0.5 else b""
    Path(f"{path}-wal").write_bytes(kept + unwritten)
    return path


async def judge(path: Path, said: list[Said]) -> None:
    """Opens a copy as a new process does, and holds it to its story, before and after it goes on."""
    store = await Store.open(path)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as raw:
        assert contradictions(raw) == []
        assert missing(raw, said) == []
        await store.ledger.close_open(two_each, NOW)
        await store.queue.recover(NOW)
        assert contradictions(raw) == []
    await store.close()


@pytest.mark.long
async def test_whatever_reached_the_disk_tells_a_consistent_story(tmp_path: Path) -> None:
    opened, cuts, acknowledged = 0, 0, 0
    for run in range(RUNS):
        chance = random.Random(run)
        database = tmp_path / f"run{run}" / "onequeue.db"
        database.parent.mkdir()
        copies: list[Copy] = []
        with loaded(database, run) as machine:
            for number in range(COPIES):
                machine.run(chance.randint(1, LINES))
                with machine.frozen():
                    folder = database.parent / f"copy{number}"
                    copies.append(copied(database, folder, len(machine.said)))
        for copy in copies:
            shortened = cut(copy, copy.path.parent / "cut", chance)
            await judge(copy.path, machine.said[: copy.said])
            opened, acknowledged = opened + 1, acknowledged + copy.said
            if shortened:
                await judge(shortened, [])
                cuts += 1
        shutil.rmtree(database.parent)
    print(  # noqa: T201
        f"\n{opened} copies held all of {acknowledged} acknowledgements, {cuts} more with a cut log agreed"
    )
    assert opened >= 100
    assert cuts >= 50
