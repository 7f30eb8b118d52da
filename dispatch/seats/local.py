"""Seats in this process."""

import asyncio
import logging
from datetime import timedelta

from dispatch.faults import Fault, FaultKind
from dispatch.ports import Runner, Session
from dispatch.task import Outcome, Verdict

_log = logging.getLogger(__name__)


class LocalSeats:
    """`ports.Seats` that run each session here, as an asyncio.Task of the caller.

    Scripts go to a runner of their own where there is one.
    """

    def __init__(self, runner: Runner, scripts: Runner | None = None) -> None:
        self._runner = runner
        self._scripts = scripts or runner

    async def run(self, session: Session) -> Outcome:
        """The runner's outcome; a fault where the wall clock or a surprise came before there was one."""
        try:
            async with asyncio.timeout(session.wall_clock.total_seconds()) as limit:
                runner = self._runner if session.script is None else self._scripts
                return await runner.run(session)
        except Exception as error:
            if ended := session.draft.ended:
                if not limit.expired():
                    _log.exception("task %d: closing attempt %d broke", session.task_id, session.attempt)
                return ended
            if isinstance(error, TimeoutError) and limit.expired():
                words = f"stopped after {_in_words(session.wall_clock)}, the limit of its tier"
                return _failed(session, FaultKind.TIMEOUT, words)
            _log.exception("task %d: attempt %d met a surprise", session.task_id, session.attempt)
            return _failed(session, FaultKind.UNKNOWN, f"the session broke ({type(error).__name__})")


def _failed(session: Session, kind: FaultKind, words: str) -> Outcome:
    draft = session.draft
    return Outcome(Verdict.FAILED, draft.text, draft.model, Fault(kind, words), draft.work)


def _in_words(limit: timedelta) -> str:
    seconds = limit.total_seconds()
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
