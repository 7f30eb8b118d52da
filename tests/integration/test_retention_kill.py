"""Forgetting, killed anywhere."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from dispatch.states import State
from dispatch.store import Store
from dispatch.store.retention import BATCH
from tests.integration.retention_room import Place

FORGETFUL = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from dispatch.store import Store

async def main():
    store = await Store.open(Path(sys.argv[1]))
    now = datetime(2027, 6, 1, tzinfo=UTC)
    while await store.retention.forget_batch(now, now):
        print("batch", flush=True)
    print("end", flush=True)

asyncio.run(main())
"""


TASKS = BATCH * 3 // 2


def forget_and_kill(path: Path, after: int) -> None:
    """Forgets in a process of its own, killed after so many batches."""
    with subprocess.Popen([sys.executable, "-c", FORGETFUL, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(after):
            process.stdout.readline()
        process.kill()


async def test_killed_anywhere_it_has_forgotten_all_of_a_task_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    place = Place(await Store.open(path))
    for number in range(TASKS):
        await place.ended(f"k{number}", State.FAILED)
    await place.store.close()
    with closing(sqlite3.connect(path)) as raw:
        paid = raw.execute("SELECT sum(cost_micro_usd), count(*) FROM ledger").fetchone()
    for batches in (0, 1, 2):
        forget_and_kill(path, batches)
        with closing(sqlite3.connect(path)) as raw:
            told = raw.execute(
                "SELECT task.words = '', task.forgotten_at IS NOT NULL, attempt.text = '',"
                " attempt.progress = '', attempt.fault_detail = '',"
                " (SELECT max(detail) = '' FROM history WHERE task_id = task.id),"
                " (SELECT count(*) = 0 FROM delivery WHERE task_id = task.id),"
                " (SELECT count(*) = 0 FROM transcript WHERE task_id = task.id), count(*)"
                " FROM task JOIN attempt ON task_id = task.id GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
            ).fetchall()
            assert all(len(set(row[:-1])) == 1 for row in told), json.dumps(told)
            assert sum(row[-1] for row in told) == TASKS
            assert raw.execute("SELECT sum(cost_micro_usd), count(*) FROM ledger").fetchone() == paid
