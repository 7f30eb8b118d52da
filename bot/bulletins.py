"""A digest that is due -> its message, counted at the time of sending."""

import json
import logging
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from datetime import date
from typing import Protocol

from bot.ports import Chat, ChatError
from bot.redact import redact
from bot.views.bulletin import bulletin
from bot.views.findings import NAMED, PARTIES, Names
from bot.views.message import Message, is_person
from dispatch.delivery import Delivery
from dispatch.digest import Digest
from dispatch.editions import Before, Edition
from dispatch.task import Task
from dispatch.terms import Terms

_log = logging.getLogger(__name__)


class Books(Protocol):
    """What a digest is counted from: the dispatcher."""

    async def digest(self, first: date, last: date, channel: str | None = None) -> Digest: ...
    async def week_before(self, first: date, last: date) -> Before: ...
    def today(self) -> date: ...


class Bulletins:
    """Writes digests, with words and threads of the dearest tasks where everybody may read them anyway.

    Who spent what, and where, is only told in the `operators` channel or in a direct message. `secrets` are
    struck out of the words.
    """

    def __init__(
        self, books: Books, chat: Chat, terms: Terms, operators: str = "", secrets: Iterable[str] = ()
    ) -> None:
        self._books = books
        self._chat = chat
        self._terms = terms
        self._operators = operators
        self._secrets = tuple(secrets)

    async def of(self, delivery: Delivery) -> Message:
        """The message for a digest's delivery. Raises StoreError."""
        span = json.loads(delivery.body)
        first, last = date.fromisoformat(span["first"]), date.fromisoformat(span["last"])
        edition = Edition(span.get("edition", Edition.DAILY))
        channel = delivery.channel if edition is Edition.CHANNEL else None
        digest = await self._books.digest(first, last, channel)
        shown = [task for task, _ in digest.dearest if await self._is_shown(task, delivery.channel)]
        links = {task.id: await self._link(task) for task in shown}
        names = await self._names(digest) if self._is_private(delivery.channel) else None
        return bulletin(
            self._struck(digest),
            links,
            so_far=edition is Edition.DAILY and last >= self._books.today(),
            names=names,
            edition=edition,
            before=await self._books.week_before(first, last) if edition is Edition.WEEKLY else None,
        )

    async def _is_shown(self, task: Task, channel: str) -> bool:
        """Whether the words of a task may be read in that channel. What Slack does not say is private."""
        if task.channel in ("", channel):
            return True
        if task.channel[:1] not in ("C", "G") or self._terms.is_quiet(task.channel):
            return False
        try:
            return (await self._chat.room(task.channel)).public
        except ChatError as error:
            _log.warning("Slack does not say who reads %s: %s", task.channel, error)
            return False

    def _struck(self, digest: Digest) -> Digest:
        dearest = [
            (replace(task, words=redact(task.words, self._secrets)), money) for task, money in digest.dearest
        ]
        return replace(digest, dearest=tuple(dearest))

    def _is_private(self, channel: str) -> bool:
        return channel.startswith("D") or (channel != "" and channel == self._operators)

    async def _names(self, digest: Digest) -> Names:
        """What the people and channels are called that it tells of, of those that Slack knows."""
        far = [one.scope.partition(":") for one in digest.findings.outliers[:NAMED]]
        people = {line.name for line in digest.people[:PARTIES]}
        people |= {name for kind, _, name in far if kind == "person"}
        channels = {line.name for line in digest.channels[:PARTIES]}
        channels |= {name for kind, _, name in far if kind == "channel"}
        names = {}
        for person in sorted(filter(is_person, people)):
            names[person] = await self._name(person, self._chat.name(person))
        for channel in sorted(one for one in channels if one.startswith("C")):
            names[channel] = await self._name(channel, self._room_name(channel))
        return names

    async def _room_name(self, channel: str) -> str:
        return f"#{(await self._chat.room(channel)).name}"

    async def _name(self, ident: str, asked: Awaitable[str]) -> str:
        try:
            return await asked
        except ChatError as error:
            _log.warning("no name for %s: %s", ident, error)
            return ident

    async def _link(self, task: Task) -> str:
        if not task.channel or task.thread is None:
            return ""
        try:
            return await self._chat.permalink(task.channel, task.thread)
        except ChatError as error:
            _log.warning("no link to task %d: %s", task.id, error)
            return ""
