"""Who may do what, as far as Slack tells: facts looked up, judged by `access`, refused in words."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bot import access
from bot.access import Act, Person, Reason, Refusal, Request, Rules
from bot.directory import Directory
from bot.slacktext import escape
from bot.views.message import is_person
from bot.views.rights import beginning, why
from dispatch.routing import Table
from dispatch.task import Tier

_LOOKED_UP: Final = 10
_log = logging.getLogger(__name__)


class TeamRights:
    """`ports.Rights`, and the judge behind the guard. `table` says which priorities go to Opus."""

    def __init__(self, rules: Rules, directory: Directory, table: Table) -> None:
        self._rules = rules
        self._directory = directory
        self._instead = min(table[Tier.OPUS].last_priority + 1, 10)

    async def refusal(self, person: str, request: Request, what: str) -> str | None:
        """Why they may not do that, in plain words; None where they may. `what` it is goes into the log."""
        found = await self._person(person, request.channel)
        room = self._directory.room(request.channel)
        asked = replace(request, shared=room.shared if room else None)
        if request.parent is not None and request.owner != person:
            asked = replace(asked, reads=await self._directory.reads(person, request.channel))
        refused = access.refusal(found, asked, self._rules)
        if refused is None:
            return None
        number = request.task or request.parent
        of = f" of #{number}" if number else ""
        _log.warning("refused: %s%s by %s (%s)", what, of, person, refused.reason)
        return await self._told(refused)

    async def unreadable(self, person: str) -> str | None:
        """Why they may not be told of tasks and costs, as safe mrkdwn; None where they may."""
        refused = await self.refusal(person, Request(Act.READ), "reading")
        return f"{beginning(Act.READ)}: {escape(refused)}" if refused else None

    async def operates(self, person: str) -> bool:
        """Whether they may do what only operators may."""
        found = await self._person(person)
        return access.refusal(found, Request(Act.OPERATE), self._rules) is None

    async def may_run(self, person: str, scripts: Sequence[str]) -> Sequence[str]:
        """Which of these scripts they may run."""
        found = await self._person(person) if scripts else Person(person)
        return [script for script in scripts if access.may_run(found, script, self._rules)]

    async def readable(self, person: str, channels: Collection[str]) -> frozenset[str]:
        """Those of the channels that they surely may read."""
        return await self._directory.readable(person, channels)

    async def names(self, people: Sequence[str]) -> Mapping[str, str]:
        """What these people are called, of whom Slack says it at once."""
        return await self._directory.names(one for one in people if is_person(one))

    def heard(self, channel: str) -> None:
        """Notes that a request has said that another company reads its channel."""
        self._directory.heard_shared(channel)

    async def _person(self, person: str, channel: str = "") -> Person:
        return await self._directory.person(person, sorted(self._rules.groups), channel)

    async def _told(self, refused: Refusal) -> str:
        if refused.reason is Reason.CHANNEL:
            rooms = await self._directory.room_names(sorted(refused.helpers)[:_LOOKED_UP])
            return why(refused, sorted(rooms.values()), 0, self._instead)
        helpers = await self._directory.people(refused.helpers)
        if refused.reason is Reason.NOT_THEIRS and is_person(refused.request.owner or ""):
            helpers = [str(refused.request.owner), *helpers]
        helpers = list(dict.fromkeys(helpers))
        names = await self._directory.names(helpers[:_LOOKED_UP])
        return why(refused, list(names.values()), len(helpers) - len(names), self._instead)
