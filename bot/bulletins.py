"""A digest that is due -> its message, counted at the time of sending."""

import json
import logging
from datetime import date
from typing import Protocol

from bot.ports import Chat, ChatError
from bot.views.bulletin import bulletin
from bot.views.message import Message
from dispatch.delivery import Delivery
from dispatch.digest import Digest
from dispatch.task import Task

_log = logging.getLogger(__name__)


class Books(Protocol):
    """What a digest is counted from: the dispatcher."""

    async def digest(self, first: date, last: date) -> Digest: ...
    def today(self) -> date: ...


class Bulletins:
    """Writes digests, with links to the threads of the dearest tasks."""

    def __init__(self, books: Books, chat: Chat) -> None:
        self._books = books
        self._chat = chat

    async def of(self, delivery: Delivery) -> Message:
        """The message for a digest's delivery. Raises StoreError."""
        span = json.loads(delivery.body)
        first, last = date.fromisoformat(span["first"]), date.fromisoformat(span["last"])
        digest = await self._books.digest(first, last)
        links = {task.id: await self._link(task) for task, _ in digest.dearest}
        return bulletin(digest, links, so_far=last >= self._books.today())

    async def _link(self, task: Task) -> str:
        if not task.channel or task.thread is None:
            return ""
        try:
            return await self._chat.permalink(task.channel, task.thread)
        except ChatError as error:
            _log.warning("no link to task %d: %s", task.id, error)
            return ""
