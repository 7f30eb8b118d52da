"""A process killed in the middle of its writes has lost nothing it acknowledged."""

import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Verdict
from tests.contracts.stores import NOW

KILLS = 6
ROOT = Path(__file__).parents[2]

BUSY = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.store import Store
from dispatch.states import State
from dispatch.task import NewTask, Outcome, Source, Tier, Verdict
from dispatch.usage import Price, Usage
from tests.fakes.turns import turn

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

async def add(store, prefix):
    for number in range(100_000):
        new = NewTask(f"{prefix}:{number}", Source.SLASH, "U1", "words", 3, channel="C1")
        task, _ = await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW)
        print("added", task.id, flush=True)

async def work(store):
    while True:
        claim = await store.queue.claim(Tier.OPUS, Seating(3), LATER, NOW)
        if claim is None:
            await turn()
            continue
        print("claimed", claim.task.id, flush=True)
        booking = await store.ledger.open(claim, "m", NOW)
        await store.ledger.book(booking, model="m", request_id="r", usage=Usage(), price=Price(7, "v1"),
                                estimated=False, now=NOW)
        print("booked", claim.task.id, flush=True)
        await store.queue.settle(claim, Outcome(Verdict.ANSWERED, "a"), Settlement(State.DONE), NOW)
        print("done", claim.task.id, flush=True)

async def main():
    store = await Store.open(Path(sys.argv[1]))
    await store.queue.recover(NOW)
    await store.ledger.close_open(lambda model, usage: Price(1, "v1"), NOW)
    await asyncio.gather(add(store, sys.argv[2]), work(store), work(store))

asyncio.run(main())
"""


def acknowledged(path: Path, prefix: str, lines: int) -> list[tuple[str, int]]:
    """What a process said it had stored before it was killed, after at least so many lines."""
    with subprocess.Popen(
        [sys.executable, "-c", BUSY, str(path), prefix], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = list(islice(process.stdout, lines))
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    whole = [line.split() for line in said if line.endswith("\n")]
    return [(what, int(number)) for what, number in whole]


async def test_every_acknowledged_write_is_there_after_each_kill(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    said: set[tuple[str, int]] = set()
    for kill in range(KILLS):
        said |= set(acknowledged(path, f"run{kill}", 40 + 7 * kill))

    store = await Store.open(path)
    await store.queue.recover(NOW)
    assert {"added", "claimed", "booked", "done"} == {what for what, _ in said}
    answers = 0
    for number in {number for _, number in said}:
        task = await store.queue.task(number)
        attempts = await store.queue.attempts(number)
        answered = sum(attempt.verdict is Verdict.ANSWERED for attempt in attempts)
        answers += answered
        assert task.state is (State.DONE if answered else State.QUEUED)
        assert task.cost_micro_usd == await store.ledger.spent(number)
        assert (("claimed", number) not in said) or attempts
        assert (("booked", number) not in said) or task.cost_micro_usd >= 7
        assert (("done", number) not in said) or answered == 1
        assert answered <= 1
    assert answers >= len([what for what, _ in said if what == "done"])
    await store.close()
