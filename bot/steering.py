"""Verbs that move what is there already: cancel, retry, resume. Each request counts once."""

import asyncio
from collections import OrderedDict
from typing import Final

from bot.grammar import Cancel, Resume, Retry
from bot.ports import Desk
from bot.slacktext import escape
from bot.views import texts
from dispatch.errors import MoveRefused, NotFound

_REMEMBERED: Final = 500


class Steering:
    """Does verbs for people."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turn = asyncio.Lock()
        self._done: OrderedDict[str, str] = OrderedDict()

    async def do(self, command: Cancel | Retry | Resume, key: str, person: str) -> str:
        """The private answer. However often the request arrives, a second answer is the first again.

        After a restart the answer is a new one, but a retry is still done once. Raises StoreError.
        """
        async with self._turn:
            if key not in self._done:
                self._done[key] = await self._do(command, key, person)
                if len(self._done) > _REMEMBERED:
                    self._done.popitem(last=False)
            return self._done[key]

    async def _do(self, command: Cancel | Retry | Resume, key: str, person: str) -> str:
        try:
            match command:
                case Resume():
                    return texts.resumed(await self._desk.resume(person))
                case Cancel(task_id):
                    return texts.cancelled(await self._desk.cancel(task_id, person))
                case Retry(task_id):
                    return texts.queued_again(await self._desk.retry(task_id, person, key))
        except (NotFound, MoveRefused) as error:
            return escape(str(error))
