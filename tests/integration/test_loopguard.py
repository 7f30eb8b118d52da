"""The guard of the event loop, in processes of their own."""

import subprocess
import sys

from bot.loopguard import STATUS

STANDS_STILL = """
import asyncio, logging, threading
from datetime import timedelta
from bot.loopguard import LoopGuard
logging.basicConfig()

async def main():
    with LoopGuard(timedelta(seconds=0.3)):
        threading.Event().wait(60)

asyncio.run(main())
"""

TURNS = """
import asyncio
from datetime import timedelta
from bot.loopguard import LoopGuard

async def main():
    with LoopGuard(timedelta(seconds=0.3)):
        await asyncio.wait({asyncio.create_task(asyncio.Event().wait())}, timeout=1.5)
    print("turned")

asyncio.run(main())
"""

CANNOT_LOG = STANDS_STILL.replace(
    "logging.basicConfig()",
    "logging.basicConfig(); handler = logging.getLogger().handlers[0]\n"
    "handler.emit = lambda record: threading.Event().wait(60)",
)


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_process_whose_loop_stands_still_is_ended() -> None:
    ended = run(STANDS_STILL)
    assert ended.returncode == STATUS == 70
    assert "the event loop has stood still for 0.3 s: ending" in ended.stderr
    assert "wait" in ended.stderr, "where it stood"


def test_a_loop_that_turns_is_left_alone() -> None:
    ended = run(TURNS)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "turned\n", "")


def test_a_log_that_hangs_does_not_keep_it_alive() -> None:
    assert run(CANNOT_LOG).returncode == STATUS
