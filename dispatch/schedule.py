"""Everything that happens by the clock. The only door to APScheduler.

The clock only looks at durable rows: each tick is idempotent, and one that is missed is made up for by
the next. Sessions never run inside a tick.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

_log = logging.getLogger(__name__)
_LIBRARY_LOG = "apscheduler"
_TROUBLE = {
    EVENT_JOB_ERROR: "failed",
    EVENT_JOB_MISSED: "was missed",
    EVENT_JOB_MAX_INSTANCES: "is still busy with the last one",
}


@dataclass(frozen=True, slots=True)
class Tick:
    """Something to do every so many seconds."""

    name: str
    seconds: float
    do: Callable[[], Awaitable[object]]


class Schedule:
    """Runs ticks on the running event loop until `stop`."""

    def __init__(self, ticks: Iterable[Tick]) -> None:
        # What it says of a tick that failed we say ourselves, once.
        logging.getLogger(_LIBRARY_LOG).setLevel(logging.CRITICAL)
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for tick in ticks:
            trigger = IntervalTrigger(seconds=tick.seconds, timezone=UTC)
            self._scheduler.add_job(_do, trigger, args=[tick], id=tick.name)
        self._scheduler.add_listener(_tell, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """The first ticks come one interval from now."""
        self._scheduler.start()

    def stop(self) -> None:
        """Nothing ticks any more; a tick under way is cancelled."""
        self._scheduler.shutdown(wait=False)


async def _do(tick: Tick) -> None:
    # APScheduler awaits only what it sees to be a coroutine function, which a lambda is not. It takes a tick
    # that `stop` cancels for one that failed.
    with suppress(asyncio.CancelledError):
        await tick.do()


def _tell(event: JobEvent) -> None:
    error = getattr(event, "exception", None)
    _log.error("tick %s %s", event.job_id, _TROUBLE[event.code], exc_info=error)
