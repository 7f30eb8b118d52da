"""Where a session of Claude Code begins or goes on, and what is kept of one that is put aside."""

import asyncio
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from dispatch.ports import Session
from dispatch.runners.claude_code.aside import Aside, found, laid_out, packed, unpacked
from dispatch.runners.claude_code.bundle import bundled, unbundle
from dispatch.runners.claude_code.command import fresh, resumed
from dispatch.task import Outcome, Verdict

HERE = "place"
"""The folder, in its run's, of a session without another place."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation of one session: its id, the option that opens it, and what is said in it next.

    `granted` is the action that it waited to do and now may, once; empty where there is none.
    """

    id: str
    option: str
    words: str
    granted: str = ""


def begun(session: Session, run: Path) -> Thread:
    """A new one, or the one the session goes on with, if it can be read; its draft is as it was then.

    So are the files of its folder in `run`, where it has no other place. Raises OSError.
    """
    earlier = unpacked(session.resumed.conversation) if session.resumed else None
    if session.resumed is None or earlier is None:
        number = str(uuid4())
        return Thread(number, fresh(number), session.prompt)
    session.draft.text = earlier.text
    if session.place is None:
        try:
            unbundle(earlier.files, run / HERE)
        except (OSError, ValueError) as error:
            _log.warning("task %d goes on without its files: %s", session.task_id, error)
    granted = earlier.action if session.resumed.allows else ""
    return Thread(earlier.session, resumed(laid_out(run, earlier)), session.resumed.answer, granted)


async def put_aside(thread: Thread, session: Session, run: Path, action: str, ended: Outcome) -> Outcome:
    """The outcome of a session that waits for people to answer, whatever its end looks like."""
    return replace(
        ended,
        verdict=Verdict.ASKED,
        text=session.draft.text,
        model=session.draft.model,
        fault=None,
        conversation=await asyncio.to_thread(_kept, thread.id, run, session, action),
    )


def _kept(number: str, run: Path, session: Session, action: str) -> bytes | None:
    transcript = found(run, number)
    if not transcript:
        return None
    try:
        files = bundled(run / HERE) if session.place is None else b""
    except (OSError, ValueError) as error:
        _log.warning("task %d is put aside without its files: %s", session.task_id, error)
        files = b""
    return packed(Aside(number, transcript, session.draft.text, action, files))
