"""Sends what is due to people: cards, answers, whispers, digests. Each arrives once."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.ports import Chat, NoAnswer, RateLimited, Refused
from bot.postman import Postman, Sending
from bot.refusals import Consequence, consequence, is_ours
from bot.views.message import is_person
from bot.views.notices import answer_refused_notice, moved_notice
from dispatch.delivery import Delivery, DeliveryKind
from dispatch.errors import NotFound, StoreError
from dispatch.ports import Clock, Outbox, Queue
from dispatch.timeouts import LAST_WORDS

AT_ONCE: Final = 4
"""How many deliveries are under way together; of one task there is one."""

_LOOKED_AT: Final = 50
_IDLE: Final = 30.0
_LONGEST_BACKOFF: Final = timedelta(minutes=5)
_OPERATORS_TURN: Final = timedelta(minutes=5)
_STORE_AGAIN: Final = 5.0
_log = logging.getLogger(__name__)


class Courier:
    """`ports.Notifier`, and the loop behind it.

    A delivery that fails is tried again later and holds up nothing but its own task.
    """

    def __init__(self, outbox: Outbox, queue: Queue, chat: Chat, postman: Postman, clock: Clock) -> None:
        self._outbox = outbox
        self._queue = queue
        self._chat = chat
        self._postman = postman
        self._clock = clock
        self._awake = asyncio.Event()
        self._choosing = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something may be due. Returns at once."""
        self._awake.set()

    async def run(self) -> None:
        """Sends whatever becomes due, until cancelled; what is due then gets a last try of a few seconds."""
        try:
            while True:
                self._awake.clear()
                try:
                    await self._begin_whole()
                    seconds = await self._until_next()
                except StoreError as error:
                    _log.error("cannot see what is due: %s", error)
                    seconds = _STORE_AGAIN
                except Exception:
                    # Nobody else sends: this loop must outlive its own defects.
                    _log.exception("choosing what to send broke")
                    seconds = _STORE_AGAIN
                await self._rest(seconds)
        finally:
            await self._end()

    async def send_due(self) -> int:
        """Sends everything that is due now, and returns how many deliveries that were. Raises StoreError."""
        count = 0
        while (begun := await self._begin()) or self._under_way:
            count += begun
            if self._under_way:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        return count

    async def _begin_whole(self) -> None:
        """Begins what is due. An end that comes meanwhile waits for it, so that nothing chosen is left."""
        beginning = asyncio.create_task(self._begin())
        try:
            await asyncio.shield(beginning)
        except asyncio.CancelledError:
            await asyncio.wait({beginning})
            raise

    async def _begin(self) -> int:
        async with self._choosing:
            begun = 0
            while len(self._under_way) < AT_ONCE:
                due = await self._outbox.due(self._clock.now(), _LOOKED_AT)
                begun += await self._begin_what_may_go(due)
                if len(due) < _LOOKED_AT:
                    break
            return begun

    async def _begin_what_may_go(self, due: Sequence[Delivery]) -> int:
        """Begins those whose turn it is while there is room, and puts the others off to their turn."""
        begun, until = 0, dict[int, datetime]()
        for delivery in due:
            if len(self._under_way) >= AT_ONCE:
                break
            if wait := self._postman.wait(delivery):
                until[delivery.id] = self._clock.now() + wait
                continue
            await self._outbox.sending(delivery.id)
            sending = asyncio.create_task(self._deliver(delivery), name=f"delivery {delivery.key}")
            self._under_way.add(sending)
            sending.add_done_callback(self._ended)
            begun += 1
        if until:
            await self._outbox.wait(until)
        return begun

    def _ended(self, sending: asyncio.Task[None]) -> None:
        self._under_way.discard(sending)
        self.wake()

    async def _until_next(self) -> float:
        due_at = await self._outbox.next_due()
        if due_at is None or len(self._under_way) >= AT_ONCE:
            return _IDLE
        return min(max((due_at - self._clock.now()).total_seconds(), 0), _IDLE)

    async def _rest(self, seconds: float) -> None:
        woken = asyncio.create_task(self._awake.wait())
        slept = asyncio.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait({woken, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            slept.cancel()

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(LAST_WORDS.total_seconds()):
                await self._send_soon(self._clock.now() + LAST_WORDS)
        except (TimeoutError, StoreError) as error:
            _log.warning("not everything could be sent before the end: %r", error)
        unsent = list(self._under_way)
        for sending in unsent:
            sending.cancel()
        await asyncio.gather(*unsent, return_exceptions=True)

    async def _send_soon(self, until: datetime) -> None:
        await self.send_due()
        while (due_at := await self._outbox.next_due()) is not None and due_at <= until:
            await self._clock.sleep(max((due_at - self._clock.now()).total_seconds(), 0))
            await self.send_due()

    async def _deliver(self, delivery: Delivery) -> None:
        sending = Sending(delivery, in_doubt=delivery.in_doubt)
        try:
            await self._try(sending)
        except StoreError as error:
            # Slack may have taken it before the database refused to note that.
            sending.in_doubt = True
            await self._note_later(sending, error)

    async def _note_later(self, sending: Sending, refused: StoreError) -> None:
        """Makes it due again once the database lets it: until then it would hold up its whole task."""
        noted = False
        while not noted:
            _log.error("cannot note what became of %s: %s", sending.delivery.key, refused)
            await self._clock.sleep(_STORE_AGAIN)
            try:
                await self._put_off(sending, timedelta(0), str(refused))
            except StoreError as error:
                refused = error
            else:
                noted = True

    async def _try(self, sending: Sending) -> None:
        try:
            try:
                await self._postman.send(sending)
            except Refused as refused:
                await self._after(sending, refused)
        except RateLimited as limited:
            wait = timedelta(seconds=limited.retry_after)
            await self._put_off(sending, wait, str(limited), failed=False)
        except NoAnswer as error:
            await self._put_off(sending, backoff(sending.delivery.tries), str(error))
        except Refused as refused:
            if is_ours(refused.code):
                await self._wait_for_operators(sending, refused)
            else:
                await self._give_up(sending, str(refused))
        except NotFound as error:
            await self._give_up(sending, str(error))
        except StoreError:
            raise
        except Exception as error:
            _log.exception("delivery %s broke", sending.delivery.key)
            sending.in_doubt = True
            await self._put_off(sending, _OPERATORS_TURN, repr(error))

    async def _after(self, sending: Sending, refused: Refused) -> None:
        match consequence(refused.code, sending.delivery):
            case Consequence.MOVE:
                await self._move(sending, refused)
            case Consequence.TELL_DIRECTLY:
                await self._postman.tell_directly(sending)
            case Consequence.SAY_SO:
                await self._say_so(sending, refused)
            case Consequence.WAIT:
                await self._wait_for_operators(sending, refused)
            case Consequence.GIVE_UP:
                raise refused

    async def _move(self, sending: Sending, refused: Refused) -> None:
        """Says once in the requester's direct messages why, then lets the task go on there."""
        delivery = sending.delivery
        task = await self._queue.task(delivery.task_id or 0)
        if not is_person(task.requester):
            raise refused
        there = await self._chat.open_dm(task.requester)
        if there == delivery.channel:
            raise refused
        key = f"moved:{task.id}:{delivery.channel}"
        if not await self._is_there(there, key, task.created_at):
            notice = replace(delivery, key=key, kind=DeliveryKind.NOTICE, channel=there, thread=None)
            await self._postman.post(notice, moved_notice(task, delivery.channel, refused.code))
        _log.warning("task %d moves to direct messages: %s", task.id, refused)
        await self._outbox.move_to(task.id, there, self._clock.now())

    async def _say_so(self, sending: Sending, refused: Refused) -> None:
        """Gives up an answer and says so in its place, or in direct messages where not even that is taken."""
        delivery = sending.delivery
        task = await self._queue.task(delivery.task_id or 0)
        notice = replace(delivery, key=f"{delivery.key}/refused", kind=DeliveryKind.NOTICE)
        words = answer_refused_notice(task, refused.code)
        try:
            await self._postman.say_instead(notice, words)
        except Refused as again:
            if is_ours(again.code) or not is_person(task.requester):
                raise
            there = await self._chat.open_dm(task.requester)
            await self._postman.say_instead(replace(notice, channel=there, thread=None), words)
        await self._give_up(sending, str(refused))

    async def _is_there(self, channel: str, key: str, since: datetime) -> bool:
        """Whether that has been said; where Slack does not let us look, it is said again."""
        try:
            return await self._chat.find(channel, key, thread=None, since=since) is not None
        except Refused as refused:
            _log.warning("cannot look for %s: %s", key, refused)
            return False

    async def _wait_for_operators(self, sending: Sending, refused: Refused) -> None:
        """Lets it wait, but for a question that stands on its task's card too: the answer is behind it."""
        if sending.delivery.kind is DeliveryKind.WHISPER and sending.delivery.task_id is not None:
            await self._give_up(sending, str(refused))
            return
        _log.error("delivery %s waits: %s", sending.delivery.key, refused)
        await self._put_off(sending, _OPERATORS_TURN, str(refused))

    async def _put_off(self, sending: Sending, wait: timedelta, why: str, *, failed: bool = True) -> None:
        _log.warning("delivery %s put off: %s", sending.delivery.key, why)
        due_at = self._clock.now() + wait
        await self._outbox.put_off(sending.delivery.id, due_at, why, sending.in_doubt, failed)

    async def _give_up(self, sending: Sending, why: str) -> None:
        _log.error("delivery %s given up: %s", sending.delivery.key, why)
        await self._outbox.refused(sending.delivery.id, why, self._clock.now())


def backoff(tries: int) -> timedelta:
    """How long to wait after so many failed tries: 1 s, doubling up to 5 minutes."""
    return min(timedelta(seconds=1) * (1 << min(tries, 10)), _LONGEST_BACKOFF)
