"""Where a session of Claude Code begins or goes on, and what is kept of one that is put aside."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from dispatch.ports import Session
from dispatch.runners.claude_code.aside import Aside, found, laid_out, packed, unpacked
from dispatch.runners.claude_code.command import fresh, resumed
from dispatch.task import Outcome, Verdict


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

    Raises OSError.
    """
    earlier = unpacked(session.resumed.conversation) if session.resumed else None
    if session.resumed is None or earlier is None:
        number = str(uuid4())
        return Thread(number, fresh(number), session.prompt)
    session.draft.text = earlier.text
    granted = earlier.action if session.resumed.allows else ""
    return Thread(earlier.session, resumed(laid_out(run, earlier)), session.resumed.answer, granted)


async def put_aside(thread: Thread, session: Session, run: Path, action: str, ended: Outcome) -> Outcome:
    """The outcome of a session that waits for people to answer, whatever its end looks like."""
    text = session.draft.text
    return replace(
        ended,
        verdict=Verdict.ASKED,
        text=text,
        model=session.draft.model,
        fault=None,
        conversation=await asyncio.to_thread(_kept, thread.id, run, text, action),
    )


def _kept(number: str, run: Path, text: str, action: str) -> bytes | None:
    transcript = found(run, number)
    return packed(Aside(number, transcript, text, action)) if transcript else None
