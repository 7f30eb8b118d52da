"""A runner whose sessions on a project get a place for it."""

import json
from dataclasses import replace

from dispatch.errors import NoPlace, Unreachable
from dispatch.faults import Fault, FaultKind
from dispatch.ports import Place, Places, Runner, Session
from dispatch.task import Outcome, Verdict

_KIND = b"placed/1\n"


class Placed:
    """`ports.Runner` that makes a place before a session on a project and keeps its work afterwards."""

    def __init__(self, runner: Runner, places: Places) -> None:
        self._runner = runner
        self._places = places

    async def run(self, session: Session) -> Outcome:
        """The session's outcome, with the work it left. What is cut short leaves its work in the draft."""
        if session.means.project is None:
            return await self._runner.run(session)
        record, session = _unwrapped(session)
        draft = session.draft
        try:
            async with self._places.open(session, record) as place:
                try:
                    outcome = await self._runner.run(replace(session, place=place))
                except BaseException:
                    # It may be cut while it closes, and has then come to something all the same.
                    draft.outcome = draft.outcome and _about(place, draft.outcome)
                    raise
                draft.outcome = outcome = _about(place, outcome)
        except NoPlace as error:
            return _failed(session, FaultKind.SCRIPT, error)
        except Unreachable as error:
            return _failed(session, FaultKind.RUNTIME, error)
        return replace(outcome, work=draft.work)


def _about(place: Place, outcome: Outcome) -> Outcome:
    """The outcome; what waits for an answer has the record of the place, in which it goes on."""
    if outcome.verdict is not Verdict.ASKED:
        return outcome
    return replace(outcome, conversation=_wrapped(place.record, outcome.conversation or b""))


def _wrapped(record: str, conversation: bytes) -> bytes:
    """A conversation with the record of the place it is about."""
    return _KIND + json.dumps(record).encode() + b"\n" + conversation


def _unwrapped(session: Session) -> tuple[str, Session]:
    """The record of the place that a session goes on in, and the session with the rest of what was kept.

    An empty record where it begins anew, or where what was kept is none of ours.
    """
    resumed = session.resumed
    if resumed is None or not resumed.conversation.startswith(_KIND):
        return "", session
    head, _, conversation = resumed.conversation.removeprefix(_KIND).partition(b"\n")
    try:
        record = json.loads(head)
    except (ValueError, RecursionError):
        record = None
    session = replace(session, resumed=replace(resumed, conversation=conversation))
    return record if isinstance(record, str) else "", session


def _failed(session: Session, kind: FaultKind, error: Exception) -> Outcome:
    draft = session.draft
    return Outcome(Verdict.FAILED, draft.text, draft.model, Fault(kind, str(error)), draft.work)
