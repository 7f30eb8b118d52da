"""Verbs that move what is there already: cancel, retry, bump, hold, resume. Each request counts once."""

import asyncio
from collections import OrderedDict
from typing import Final

from bot.grammar import Cancel, Pause, Resume, Retry, Steer, Turn
from bot.ports import Desk
from bot.slacktext import escape
from bot.views import presses, texts
from dispatch.errors import MoveRefused, NotFound

_REMEMBERED: Final = 500


class Steering:
    """Does verbs for people."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turn = asyncio.Lock()
        self._done: OrderedDict[str, str] = OrderedDict()

    async def do(self, command: Cancel | Retry | Pause | Resume | Steer, key: str, person: str) -> str:
        """The private answer. However often the request arrives, a second answer is the first again.

        After a restart the answer is a new one, but a retry is still done once. Raises StoreError.
        """
        async with self._turn:
            if key not in self._done:
                self._done[key] = await self._do(command, key, person)
                if len(self._done) > _REMEMBERED:
                    self._done.popitem(last=False)
            return self._done[key]

    async def _do(self, command: Cancel | Retry | Pause | Resume | Steer, key: str, person: str) -> str:
        try:
            match command:
                case Pause():
                    return texts.paused(await self._desk.pause(person))
                case Resume():
                    lifted = await self._desk.unpause(person)
                    return texts.resumed(await self._desk.resume(person), lifted)
                case Cancel(task_id):
                    return texts.cancelled(await self._desk.cancel(task_id, person))
                case Retry(task_id):
                    return texts.queued_again(await self._desk.retry(task_id, person, key))
                case _:
                    return await self._steer(command, key, person)
        except (NotFound, MoveRefused) as error:
            return escape(str(error))

    async def _steer(self, command: Steer, key: str, person: str) -> str:
        task, _ = await self._desk.show(command.task_id)
        match command.turn:
            case Turn.BUMP | Turn.LOWER:
                priority = task.priority + (-1 if command.turn is Turn.BUMP else 1)
                moved = await self._desk.reprioritise(task.id, priority, person, key)
                return presses.reprioritised(moved, task)
            case Turn.HOLD:
                return presses.held(await self._desk.hold(task.id, person, key))
            case Turn.RELEASE:
                return presses.released(await self._desk.release(task.id, person, key))
