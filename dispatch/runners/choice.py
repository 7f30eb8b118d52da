"""Which runner a session gets."""

from collections.abc import Mapping

from dispatch.means import RunnerName
from dispatch.ports import Runner, Session
from dispatch.task import Outcome


class Choice:
    """`ports.Runner` that leaves each session to the runner it is to have."""

    def __init__(self, runners: Mapping[RunnerName, Runner]) -> None:
        self._runners = runners

    async def run(self, session: Session) -> Outcome:
        """The session on its runner."""
        return await self._runners[session.means.runner].run(session)
