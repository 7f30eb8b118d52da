"""A place that is opened, worked in and left by a process that is killed. A program: FOLDER REPO STEP RECORD.

Steps are what it does to the machine: a program it starts, a folder or file it makes, moves or removes. It
is killed before that one, and ends by itself where it takes no more of them.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from dispatch.means import Project
from dispatch.places import Worktrees
from tests.fakes.setups import FakeSetups
from tests.integration.test_worktrees import session_on

_STEPS = ("subprocess.Popen", "os.mkdir", "os.rename", "os.remove", "os.rmdir")


def kill_before(step: int) -> None:
    """Kills this process before it does that step, counted from 1 on."""
    done = 0

    def count(event: str, _: object) -> None:
        nonlocal done
        if event in _STEPS:
            done += 1
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


async def work(folder: Path, repo: Path, record: str) -> None:
    """One session of the task that changes a file."""
    session = session_on(Project("payments", repo), 2)
    async with Worktrees(folder, FakeSetups()).open(session, record) as place:
        (place.path / "queue.py").write_text("limit = 9\n")


if __name__ == "__main__":
    kill_before(int(sys.argv[3]))
    asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[4]))
