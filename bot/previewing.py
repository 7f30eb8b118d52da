"""Answers shown while they are written, in a message that Slack lets grow.

A preview is never the answer. The answer's delivery takes the preview's message over and replaces what
stands there by the whole; a preview that no answer takes over is taken back.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.pace import Line
from bot.ports import NoAnswer, RateLimited, Refused
from bot.refusals import NO_BLOCKS, NO_STREAM
from bot.views.gate import LivePing
from bot.views.message import Message, is_person, section
from bot.views.notices import WITHDRAWN
from dispatch.delivery import Delivery, DeliveryKind
from dispatch.ports import Begun, Clock, Previews, Queue

_BEGINS: Final = (15, timedelta(minutes=1))
"""New previews in the workspace: Slack takes 20 a minute, and as many ends."""

_PIECES: Final = (80, timedelta(minutes=1))
"""Pieces in the workspace: Slack takes 100 a minute."""

_REST: Final = timedelta(minutes=10)
"""How long no preview is tried after Slack has refused to begin one."""

_GONE: Final = "message_not_found"
_log = logging.getLogger(__name__)


class Streams(Protocol):
    """Slack's messages that grow. Every method raises ChatError."""

    async def begin_stream(self, channel: str, thread: str, person: str) -> str:
        """Begins an empty one for that person; its id."""
        ...

    async def append_stream(self, channel: str, ts: str, text: str) -> None:
        """Adds Markdown to it. The text must be safe; raises LivePing."""
        ...

    async def end_stream(self, channel: str, ts: str, below: Message) -> None:
        """Ends it with the blocks of that message below. Raises LivePing."""
        ...

    async def strays(self, channel: str, thread: str, since: datetime) -> Sequence[str]:
        """The messages of ours in a thread that no delivery has posted."""
        ...

    async def update(self, channel: str, ts: str, message: Message, *, key: str) -> None:
        """Replaces a message of ours."""
        ...

    async def delete(self, channel: str, ts: str) -> None:
        """Deletes a message of ours."""
        ...


class Previewing:
    """Begins previews, gives their messages to answers, and takes back those that no answer has taken."""

    def __init__(self, previews: Previews, queue: Queue, streams: Streams, clock: Clock) -> None:
        self._previews = previews
        self._queue = queue
        self._streams = streams
        self._clock = clock
        self._begins = Line(*_BEGINS)
        self._pieces = Line(*_PIECES)
        self._rests_until: datetime | None = None
        self._beginning: dict[tuple[int, int], asyncio.Task[Begun | None]] = {}

    async def begin(self, task_id: int, attempt: int) -> Begun | None:
        """Begins a preview; None where there can be none now. Raises ChatError, OnequeueError.

        Whoever asked for it may be cancelled: the message is noted all the same.
        """
        now = self._clock.now()
        if (self._rests_until is not None and now < self._rests_until) or self._begins.first(now) > now:
            return None
        key = (task_id, attempt)
        beginning = asyncio.create_task(self._begin(task_id, attempt), name=f"preview of {task_id}")
        self._beginning[key] = beginning
        beginning.add_done_callback(lambda _: self._over(key))
        return await asyncio.shield(beginning)

    async def append(self, begun: Begun, text: str) -> bool:
        """Adds a safe piece to a preview. False where it is not its turn now. Raises ChatError, LivePing."""
        now = self._clock.now()
        if begun.message is None or self._pieces.first(now) > now:
            return False
        self._pieces.go("piece", now)
        try:
            await self._streams.append_stream(begun.channel, begun.message, text)
        except RateLimited as limited:
            self._pieces.close(now + timedelta(seconds=limited.retry_after))
            return False
        return True

    async def take_over(self, delivery: Delivery, answer: Message, *, tried: bool) -> str | None:
        """Makes the preview's message the answer, if there is one where the answer goes; its id.

        Doing it again changes nothing, if it says that this may have been `tried` before. None: the answer
        must be posted. That is so too where the message has ended by itself, because an edit calls nobody.
        Raises RateLimited, NoAnswer, StoreError.
        """
        begun = await self._preview_of(delivery)
        if begun is None or (begun.channel, begun.thread) != (delivery.channel, delivery.thread):
            return None
        try:
            if (message := await self._message(begun)) is None:
                return None
            if not await self._end(begun.channel, message, answer) and not tried:
                return None
            await self._replace(begun.channel, message, answer, f"{delivery.key}/0")
        except (Refused, LivePing) as error:
            _log.warning("the preview of %s cannot become its answer: %s", delivery.key, error)
            return None
        return message

    async def tidy(self) -> None:
        """Takes back every preview that nothing is due to any more. Raises StoreError."""
        for begun in await self._previews.all():
            if begun.taken:
                await self._previews.forget(begun.task_id, begun.attempt)
            elif not begun.grows and not begun.due:
                try:
                    await self.take_back(begun)
                except (NoAnswer, RateLimited) as error:
                    _log.warning("the preview of task %d stays for now: %s", begun.task_id, error)
                    return

    async def take_back(self, begun: Begun) -> None:
        """Deletes a preview, or says in it that it is void. Raises NoAnswer, RateLimited, StoreError."""
        try:
            if message := await self._message(begun):
                await self._delete(begun.channel, message)
        except Refused as refused:
            _log.error("the preview of task %d cannot be taken back: %s", begun.task_id, refused)
        await self._previews.forget(begun.task_id, begun.attempt)

    async def _begin(self, task_id: int, attempt: int) -> Begun | None:
        task, now = await self._queue.task(task_id), self._clock.now()
        if not is_person(task.requester) or task.thread is None:
            return None
        begun = await self._previews.begin(task_id, attempt, now)
        if begun is None:
            return None
        self._begins.go("preview", now)
        try:
            message = await self._streams.begin_stream(begun.channel, begun.thread, task.requester)
        except NoAnswer as error:
            if not error.in_doubt:
                await self._previews.forget(task_id, attempt)
            raise
        except RateLimited as limited:
            self._begins.close(now + timedelta(seconds=limited.retry_after))
            await self._previews.forget(task_id, attempt)
            return None
        except Refused as refused:
            if refused.code in NO_STREAM:
                _log.warning("Slack shows no answers while they are written: %s", refused)
                self._rests_until = now + _REST
            await self._previews.forget(task_id, attempt)
            raise
        await self._previews.begun(task_id, attempt, message)
        return await self._stored(task_id, attempt)

    def _over(self, key: tuple[int, int]) -> None:
        begun = self._beginning.pop(key)
        if not begun.cancelled() and (error := begun.exception()):
            _log.info("the preview of task %d did not begin: %r", key[0], error)

    async def _preview_of(self, delivery: Delivery) -> Begun | None:
        if delivery.kind is not DeliveryKind.ANSWER or delivery.task_id is None or delivery.attempt is None:
            return None
        return await self._stored(delivery.task_id, delivery.attempt)

    async def _stored(self, task_id: int, attempt: int) -> Begun | None:
        found = await self._previews.all()
        return next((one for one in found if (one.task_id, one.attempt) == (task_id, attempt)), None)

    async def _message(self, begun: Begun) -> str | None:
        """The preview's message. Where that is not known it is the one in the thread nobody knows of."""
        if begun.message is not None:
            return begun.message
        if self._beginning:
            await asyncio.wait(set(self._beginning.values()))
        known = {one.message for one in await self._previews.all()}
        if (stored := await self._stored(begun.task_id, begun.attempt)) and stored.message:
            return stored.message
        strays = await self._streams.strays(begun.channel, begun.thread, begun.begun_at)
        found = next((stray for stray in strays if stray not in known), None)
        if found is not None:
            await self._previews.begun(begun.task_id, begun.attempt, found)
        return found

    async def _end(self, channel: str, message: str, answer: Message) -> bool:
        """Ends it with what stands below the answer's words, which pings as a post does. Whether it did."""
        tail = tuple(block for block in answer.blocks if block["type"] != "markdown")
        try:
            await self._streams.end_stream(channel, message, Message("", tail, answer.mentions))
        except Refused as refused:
            _log.info("the preview %s has ended by itself: %s", message, refused)
            if refused.code in NO_BLOCKS:
                await self._stop(channel, message, Message(""))
            return False
        return True

    async def _stop(self, channel: str, message: str, below: Message) -> None:
        try:
            await self._streams.end_stream(channel, message, below)
        except Refused as refused:
            _log.info("the preview %s has ended by itself: %s", message, refused)

    async def _replace(self, channel: str, message: str, answer: Message, key: str) -> None:
        try:
            await self._streams.update(channel, message, answer, key=key)
        except Refused as refused:
            if refused.code not in NO_BLOCKS or answer.simpler is None:
                raise
            await self._streams.update(channel, message, answer.simpler, key=key)

    async def _delete(self, channel: str, message: str) -> None:
        # Slack ends none that is empty.
        void = Message(WITHDRAWN, (section(WITHDRAWN),))
        await self._stop(channel, message, void)
        try:
            await self._streams.delete(channel, message)
        except Refused as refused:
            if refused.code != _GONE:
                await self._streams.update(channel, message, void, key=f"void:{message}")
