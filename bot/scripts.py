"""Which scripts there are, and who may run them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from bot.grammar import Run
from bot.ports import ChatError
from bot.sections import ScriptSettings
from bot.views import scripts as views
from bot.views.scripts import Listed

_NAMES_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class Scripts:
    """The scripts of the settings.

    `is_operator` says who may do what only operators may, `name_of` what a person is called; it raises
    ChatError.
    """

    def __init__(
        self,
        known: Mapping[str, ScriptSettings],
        is_operator: Callable[[str], bool],
        name_of: Callable[[str], Awaitable[str]],
    ) -> None:
        self._known = known
        self._is_operator = is_operator
        self._name_of = name_of

    @property
    def any(self) -> bool:
        """Whether there are scripts at all."""
        return bool(self._known)

    def has(self, name: str) -> bool:
        """Whether there is a script of that name."""
        return name in self._known

    @property
    def all(self) -> Sequence[Listed]:
        """Every script."""
        return [Listed(name, script.about) for name, script in self._known.items()]

    def open_to(self, person: str) -> Sequence[Listed]:
        """The scripts that a person may run."""
        return [listed for listed in self.all if self._may(self._known[listed.name], person)]

    async def refusal(self, asked: Run, person: str) -> str | None:
        """Why the person may not run that, and who can; None where they may."""
        script = self._known.get(asked.name)
        if script is None:
            return views.unknown(asked, self.open_to(person))
        return await self._closed(asked.name, script, person)

    async def retry_refusal(self, name: str, person: str) -> str | None:
        """Why the person may not run a script's task again; None where they may, or it is gone."""
        script = self._known.get(name)
        return await self._closed(name, script, person) if script else None

    async def _closed(self, name: str, script: ScriptSettings, person: str) -> str | None:
        if self._may(script, person):
            return None
        named = [] if isinstance(script.who, str) else sorted(script.who)
        return views.not_yours(name, await self._names(named))

    def _may(self, script: ScriptSettings, person: str) -> bool:
        match script.who:
            case "everybody":
                return True
            case "operators":
                return self._is_operator(person)
            case people:
                return person in people

    async def _names(self, people: Sequence[str]) -> Sequence[str]:
        """What these people are called; their ids where Slack does not say it at once."""
        try:
            async with asyncio.timeout(_NAMES_SECONDS):
                return [await self._name_of(person) for person in people]
        except (ChatError, TimeoutError) as error:
            _log.warning("cannot name who may run a script: %s", error)
            return people


async def _nameless(person: str) -> str:
    return person


NO_SCRIPTS: Final = Scripts({}, lambda _: False, _nameless)
