"""What the running process says of itself to the doctor: the verb `vitals`, beside those of the console."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from bot.console import Ask
from bot.doctor.ports import Vital
from bot.ear import Ear
from bot.local import ask_running
from bot.records import Record

VERB: Final = "vitals"


class Line(Protocol):
    """How Slack is heard."""

    @property
    def ear(self) -> Ear:
        """What was heard of late."""
        ...

    async def connected(self) -> int:
        """How many lines are up."""
        ...


class Vitals:
    """`ask` with one verb more. `line` is there once Slack is heard, which without Slack is never."""

    def __init__(self, ask: Ask, *, in_slack: bool) -> None:
        self._ask = ask
        self._in_slack = in_slack
        self.line: Line | None = None

    async def ask(self, verb: str, words: Mapping[str, str]) -> Record:
        """Does one verb. Raises OnequeueError, Misused."""
        if verb != VERB:
            return await self._ask(verb, words)
        if self.line is None:
            return {"in_slack": self._in_slack, "connected": 0, "heard_at": None, "messages": []}
        heard_at = self.line.ear.heard_at
        return {
            "in_slack": self._in_slack,
            "connected": await self.line.connected(),
            "heard_at": heard_at.isoformat() if heard_at else None,
            "messages": list(self.line.ear.messages),
        }


class RunningOnequeue:
    """`doctor.ports.Running` over the local socket at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def vital(self) -> Vital:
        """How it is now. Raises OnequeueError."""
        found = await ask_running(self._path, VERB, {})
        heard_at, messages = found["heard_at"], found["messages"]
        return Vital(
            int(str(found["connected"])),
            datetime.fromisoformat(str(heard_at)) if heard_at else None,
            frozenset(map(str, messages)) if isinstance(messages, list) else frozenset(),
            bool(found["in_slack"]),
        )
