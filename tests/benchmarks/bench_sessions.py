"""Agents side by side: how long a start takes, and how much memory each of them has to itself.

Run it with `uv run python -m tests.benchmarks.bench_sessions [how many]`.
"""

import asyncio
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from bot.rehearsal.claude import Say, Step
from dispatch.means import Profile
from dispatch.ports import Draft
from tests.integration.agent_room import AgentRoom, agent_room, claude, marked_processes

SESSIONS = 8
MEBIBYTE = 1024


async def main(sessions: int) -> None:
    """Tells the figures. The first session only proves the program."""
    with tempfile.TemporaryDirectory() as folder:
        async with claude() as sim, agent_room(Path(folder), sim) as room:
            await room.run(Profile.READ)
            for number in (1, sessions):
                starts, memory = await _together(room, number)
                middle, last = statistics.median(starts), max(starts)
                sys.stdout.write(
                    f"{number} at once: first request after {middle:.2f} s in the middle, {last:.2f} s at "
                    f"the latest; {memory / number:.0f} MiB each (PSS, with helpers)\n"
                )


async def _together(room: AgentRoom, sessions: int) -> tuple[list[float], float]:
    """Seconds until each first request arrived, and the memory of all of them then."""
    room.sim.script([Step((Say("x" * 400),))] * sessions)
    room.sim.hold()
    async with room.session(Profile.FULL) as session:
        began, starts = perf_counter(), []
        each = (replace(session, draft=Draft()) for _ in range(sessions))
        runs = [asyncio.create_task(room.runner.run(one)) for one in each]
        for number in range(1, sessions + 1):
            await room.sim.wait_for_held(number, timeout=120)
            starts.append(perf_counter() - began)
        memory = sum(_pss(process) for process in marked_processes(room.runs)) / MEBIBYTE
        room.sim.release()
        await asyncio.gather(*runs)
    return starts, memory


def _pss(process: Path) -> int:
    """KiB."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS))
