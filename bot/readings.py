"""What the watch looks at: queue, database, disk and the lines to Slack, each within a bounded time."""

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bot.redact import redact
from dispatch.alarms import Disk
from dispatch.errors import StoreError
from dispatch.gates import Gate
from dispatch.ports import Alarms, Clock, Gates, Tasks
from dispatch.watch import QueueReading, Reading

ANSWERS_WITHIN: Final = 10.0
"""A database that takes more seconds than this counts as out of use."""
_log = logging.getLogger(__name__)


@dataclass
class _Machine:
    """What the database and its disk have said so far."""

    queue: QueueReading | None = None
    disk: Disk | None = None
    error: str | None = None


class Instruments:
    """Takes readings. `disk` measures the database's file system; `secrets` are struck out of all texts.

    `patience` is the seconds the database may take.
    """

    def __init__(
        self,
        tasks: Tasks,
        gates: Gates,
        alarms: Alarms,
        disk: Callable[[], Disk | None],
        clock: Clock,
        secrets: Iterable[str] = (),
        patience: float = ANSWERS_WITHIN,
    ) -> None:
        self._tasks = tasks
        self._gates = gates
        self._alarms = alarms
        self._disk = disk
        self._clock = clock
        self._secrets = tuple(secrets)
        self._patience = patience
        self._asking: asyncio.Task[None] | None = None
        self._machine = _Machine()

    async def read(self, connected: int) -> Reading:
        """Everything as of now, with so many lines to Slack up. Never raises, never waits for long."""
        if self._asking is None or self._asking.done():
            self._machine = _Machine(error=f"the database has not answered for {self._patience:g} s")
            self._asking = asyncio.create_task(self._ask(self._machine), name="readings")
        await asyncio.wait({self._asking}, timeout=self._patience)
        found = self._machine
        return Reading(self._clock.now(), connected, found.queue, found.disk, found.error)

    async def _ask(self, machine: _Machine) -> None:
        """Asks the disk, then reads, then writes: each may be what hangs."""
        try:
            machine.disk = await asyncio.to_thread(self._disk)
            machine.queue = QueueReading(
                await self._tasks.waiting(),
                await self._tasks.under_way(),
                self._struck(await self._gates.all()),
                await self._tasks.paused(),
            )
            await self._alarms.probe(self._clock.now())
        except StoreError as error:
            machine.error = redact(str(error), self._secrets)
        except Exception as error:
            _log.exception("the queue cannot be read")
            machine.error = redact(repr(error), self._secrets)
        else:
            machine.error = None

    def _struck(self, gates: Mapping[str, Gate]) -> Mapping[str, Gate]:
        return {
            name: replace(gate, detail=redact(gate.detail, self._secrets)) for name, gate in gates.items()
        }


def disk_of(path: Path) -> Disk | None:
    """The file system a database is on, as its user may fill it; None where it cannot be measured."""
    try:
        usage = shutil.disk_usage(path.absolute().parent)
    except OSError:
        return None
    return Disk(usage.free, usage.total)
