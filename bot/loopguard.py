"""The guard of the event loop: a process whose loop stands still is ended, so that it is started anew."""

import asyncio
import faulthandler
import logging
import os
import threading
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

from dispatch.timeouts import LOOP_GUARD

STATUS: Final = 70
"""The exit status of a process that was ended so."""

_TRIES: Final = 6
_LAST_LINE: Final = 1.0
_log = logging.getLogger(__name__)


class LoopGuard:
    """Watches the running loop inside its context, from a thread of its own.

    The thread counts its own waits, not the time: a process that was stopped for an hour and goes on is
    no standstill.
    """

    def __init__(self, limit: timedelta = LOOP_GUARD) -> None:
        self._limit = limit
        self._over = threading.Event()
        self._answered = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._watch, args=(loop,), name="loop guard", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        missed = 0
        loop.call_soon_threadsafe(self._answered.set)
        while not self._over.wait(self._limit.total_seconds() / _TRIES):
            if self._answered.is_set():
                missed = 0
                self._answered.clear()
                loop.call_soon_threadsafe(self._answered.set)
                continue
            missed += 1
            if missed >= _TRIES:
                self._end()

    def _end(self) -> None:
        # Writing the log may be what the loop hangs in, so the end does not wait for it.
        last = threading.Timer(_LAST_LINE, os._exit, (STATUS,))
        last.daemon = True
        last.start()
        _log.critical("the event loop has stood still for %g s: ending", self._limit.total_seconds())
        faulthandler.dump_traceback(all_threads=True)
        os._exit(STATUS)
