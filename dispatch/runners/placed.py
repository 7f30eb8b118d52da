"""A runner whose sessions on a project get a place for it."""

from dataclasses import replace

from dispatch.errors import NoPlace, Unreachable
from dispatch.faults import Fault, FaultKind
from dispatch.ports import Places, Runner, Session
from dispatch.task import Outcome, Verdict


class Placed:
    """`ports.Runner` that makes a place before a session on a project and keeps its work afterwards."""

    def __init__(self, runner: Runner, places: Places) -> None:
        self._runner = runner
        self._places = places

    async def run(self, session: Session) -> Outcome:
        """The session's outcome, with the work it left. What is cut short leaves its work in the draft."""
        if session.means.project is None:
            return await self._runner.run(session)
        try:
            async with self._places.open(session) as place:
                outcome = await self._runner.run(replace(session, place=place))
        except NoPlace as error:
            return _failed(session, FaultKind.SCRIPT, error)
        except Unreachable as error:
            return _failed(session, FaultKind.RUNTIME, error)
        return replace(outcome, work=session.draft.work)


def _failed(session: Session, kind: FaultKind, error: Exception) -> Outcome:
    draft = session.draft
    return Outcome(Verdict.FAILED, draft.text, draft.model, Fault(kind, str(error)), draft.work)
