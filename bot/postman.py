"""Posts one delivery: looks first where that is in doubt, goes on where it stopped."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

from bot.letters import Document, Letter, Letters
from bot.ports import Chat, NoAnswer, RateLimited, Refused
from bot.previewing import Previewing
from bot.refusals import NO_BLOCKS, NO_CARD, NO_EDIT, NO_THREAD, is_of_files
from bot.slacktext import escape, neutralise
from bot.traffic import Traffic, Way
from bot.views.gate import LivePing
from bot.views.message import Message
from bot.views.notices import file_as_text, file_refused_notice
from dispatch.delivery import Delivery, DeliveryKind
from dispatch.ports import Clock, Outbox, Queue
from dispatch.task import Task

_LOOK_BACK: Final = timedelta(days=1)
_UNKNOWN_REVISION: Final = 0
"""A card found by a look may show an older state: it is due again, as an edit."""

_Sent = TypeVar("_Sent")

_log = logging.getLogger(__name__)


@dataclass
class Sending:
    """A delivery under way. `in_doubt` while its next piece may have arrived without our knowing."""

    delivery: Delivery
    in_doubt: bool


class Postman:
    """Posts deliveries and notes each piece that arrived. Raises ChatError, StoreError, NotFound."""

    def __init__(
        self,
        letters: Letters,
        outbox: Outbox,
        queue: Queue,
        chat: Chat,
        previewing: Previewing,
        clock: Clock,
    ) -> None:
        self._letters = letters
        self._outbox = outbox
        self._queue = queue
        self._chat = chat
        self._previewing = previewing
        self._clock = clock
        self._traffic = Traffic()

    def wait(self, delivery: Delivery) -> timedelta:
        """How long the delivery must wait for its turn. Zero takes the turn: send it now."""
        return self._traffic.wait(delivery, self._clock.now())

    async def send(self, sending: Sending) -> None:
        """Sends what is left of the delivery, whose turn it is, and closes it."""
        delivery = sending.delivery
        letter = await self._letters.of(delivery, self._clock.now())
        revision, message = delivery.revision, None
        match delivery.kind:
            case DeliveryKind.CARD | DeliveryKind.QUESTION:
                revision, message = await self._card(sending, letter)
            case DeliveryKind.WHISPER if not delivery.channel.startswith("D"):
                await self._whisper(delivery, letter)
            case _:
                message = await self._pieces(sending, letter)
        await self._outbox.sent(delivery.id, revision, message, self._clock.now())

    async def tell_directly(self, sending: Sending) -> None:
        """Sends a whisper as a direct message."""
        delivery = sending.delivery
        if delivery.person is None:
            raise Refused("user_not_found")
        channel = await self._chat.open_dm(delivery.person)
        reply = replace(delivery, kind=DeliveryKind.REPLY, channel=channel, thread=None)
        self._insist_on_turn(reply)
        letter = await self._letters.of(delivery, self._clock.now())
        directly = Sending(reply, sending.in_doubt)
        try:
            message = await self._pieces(directly, letter)
        finally:
            sending.in_doubt = directly.in_doubt
        await self._outbox.sent(delivery.id, delivery.revision, message, self._clock.now())

    async def post(self, delivery: Delivery, message: Message) -> None:
        """Posts a message that is not stored as a delivery. Raises RateLimited while it is not its turn."""
        self._insist_on_turn(delivery)
        await self._post(Sending(delivery, in_doubt=False), message, delivery.key)

    async def say_instead(self, delivery: Delivery, message: Message) -> None:
        """Posts a message in the place of what was refused, unless it stands there."""
        sending = Sending(delivery, in_doubt=True)
        if await self._arrived(sending, delivery.key) is None:
            await self._next_turn(delivery.channel)
            await self._message(sending, delivery.key, message, doubt=False)

    def _insist_on_turn(self, delivery: Delivery) -> None:
        if wait := self.wait(delivery):
            raise RateLimited(wait.total_seconds())

    async def _card(self, sending: Sending, letter: Letter) -> tuple[int, str]:
        """The revision that the card now shows, and its id."""
        delivery, (card,) = sending.delivery, letter
        if delivery.message is not None and isinstance(card, Message):
            try:
                await self._edit(delivery, delivery.message, card)
            except Refused as refused:
                if refused.code not in NO_CARD:
                    raise
                if refused.code == NO_EDIT and delivery.weight:
                    return delivery.revision, delivery.message
            else:
                return delivery.revision, delivery.message
        if sending.in_doubt and (arrived := await self._arrived(sending, delivery.key)):
            return _UNKNOWN_REVISION, arrived
        return delivery.revision, await self._piece(sending, delivery.key, card)

    async def _edit(self, delivery: Delivery, ts: str, card: Message) -> None:
        with self._closing(Way.EDIT, delivery):
            try:
                await self._chat.update(delivery.channel, ts, card, key=delivery.key)
            except Refused as refused:
                if refused.code not in NO_BLOCKS:
                    raise
                await self._chat.update(delivery.channel, ts, card.without_blocks(), key=delivery.key)

    async def _whisper(self, delivery: Delivery, letter: Letter) -> None:
        (words,) = letter
        if delivery.person is None or not isinstance(words, Message):
            raise Refused("user_not_found")
        with self._closing(Way.WHISPER, delivery):
            whisper = partial(self._chat.whisper, delivery.channel, delivery.person, words)
            await _in_thread(delivery.thread, whisper)

    async def _pieces(self, sending: Sending, letter: Letter) -> str | None:
        delivery = sending.delivery
        first = delivery.message
        for number in range(delivery.parts_sent, len(letter)):
            if number > delivery.parts_sent:
                await self._next_turn(delivery.channel)
            arrived = await self._piece(sending, f"{delivery.key}/{number}", letter[number])
            first = first or arrived
            if number < len(letter) - 1:
                await self._outbox.part_sent(delivery.id, arrived)
                await self._outbox.sending(delivery.id)
        return first

    async def _next_turn(self, channel: str) -> None:
        if wait := self._traffic.before_others(channel, self._clock.now()):
            await self._clock.sleep(wait.total_seconds())

    async def _piece(self, sending: Sending, key: str, piece: Message | Document) -> str:
        doubt = sending.in_doubt
        for carried in _carried(key, piece) if doubt else ():
            if arrived := await self._arrived(sending, carried):
                return arrived
        if isinstance(piece, Document):
            return await self._attach(sending, key, piece, doubt)
        if sending.delivery.parts_sent == 0 and key.endswith("/0"):
            # Whatever breaks off now, the preview may have ended with what calls the requester.
            sending.in_doubt = True
            taken = await self._previewing.take_over(sending.delivery, piece, tried=doubt)
            sending.in_doubt = False
            if taken is not None:
                self._traffic.edited(key, self._clock.now())
                return taken
        return await self._message(sending, key, piece, doubt)

    async def _message(self, sending: Sending, key: str, message: Message, doubt: bool) -> str:
        """Posts a message, simpler where Slack refuses its blocks, at last as text alone."""
        try:
            return await self._post(sending, message, key)
        except LivePing:
            _log.exception("delivery %s would ping somebody", key)
            message = Message(neutralise(message.text), message.blocks)
        except Refused as refused:
            if refused.code not in NO_BLOCKS or not message.blocks:
                raise
            _log.error("the blocks of delivery %s were refused: %s", key, refused)
            if message.simpler:
                return await self._message(sending, key, message.simpler, doubt)
        await self._overflow(sending, key, message, doubt)
        return await self._post(sending, message.without_blocks(), key)

    async def _arrived(self, sending: Sending, key: str) -> str | None:
        delivery = sending.delivery
        since = delivery.due_at - _LOOK_BACK
        if delivery.task_id is not None:
            since = (await self._queue.task(delivery.task_id)).created_at
        arrived = None
        for thread in dict.fromkeys([delivery.thread, None]):
            try:
                with self._closing(Way.LOOK, delivery):
                    arrived = await self._chat.find(delivery.channel, key, thread=thread, since=since)
            except Refused as refused:
                _log.warning("cannot look for %s: %s", key, refused)
                if refused.code in NO_THREAD:
                    continue
            break
        sending.in_doubt = False
        return arrived

    async def _post(self, sending: Sending, message: Message, key: str) -> str:
        delivery = sending.delivery
        self._traffic.posted(delivery.channel, self._clock.now())
        with _noting_doubt(sending), self._closing(Way.POST, delivery):
            post = partial(self._chat.post, delivery.channel, message, key=key)
            return await _in_thread(delivery.thread, post)

    async def _attach(self, sending: Sending, key: str, file: Document, doubt: bool) -> str:
        """Uploads a file, or posts its words where Slack takes none."""
        try:
            return await self._upload(sending, file)
        except Refused as refused:
            task = await self._without_files(sending, refused)
            words = file_as_text(task, refused.code, file.name, file.text)
            return await self._message(sending, key, words, doubt)

    async def _file(self, sending: Sending, key: str, file: Document) -> str:
        try:
            return await self._upload(sending, file)
        except Refused as refused:
            task = await self._without_files(sending, refused)
            return await self._post(sending, file_refused_notice(task, refused.code), key)

    async def _upload(self, sending: Sending, file: Document) -> str:
        delivery = sending.delivery
        self._traffic.posted(delivery.channel, self._clock.now())
        with _noting_doubt(sending):
            upload = partial(self._chat.upload, delivery.channel, file.name, file.text)
            return await _in_thread(delivery.thread, upload)

    async def _without_files(self, sending: Sending, refused: Refused) -> Task:
        """The task whose file was refused. Raises the refusal where it is not one of files."""
        if not is_of_files(refused.code) or sending.delivery.task_id is None:
            raise refused
        return await self._queue.task(sending.delivery.task_id)

    async def _overflow(self, sending: Sending, key: str, piece: Message, doubt: bool) -> None:
        """Posts the Markdown of a piece as a file where its text alone does not hold all of it."""
        words = "\n\n".join(str(block["text"]) for block in piece.blocks if block["type"] == "markdown")
        if not words or escape(words) == piece.text:
            return
        file = Document(f"{key.replace(':', '-').replace('/', '-part-')}.md", words)
        in_its_place = f"{key}/file"
        if doubt and (await self._arrived(sending, file.name) or await self._arrived(sending, in_its_place)):
            return
        await self._file(sending, in_its_place, file)

    @contextmanager
    def _closing(self, way: Way, delivery: Delivery) -> Iterator[None]:
        """Lets nothing more go that way while Slack wants us to wait."""
        try:
            yield
        except RateLimited as limited:
            wait = timedelta(seconds=limited.retry_after)
            self._traffic.close(way, delivery, self._clock.now(), wait)
            raise


def _carried(key: str, piece: Message | Document) -> tuple[str, ...]:
    """What a look finds it by. The words of a file that was refused are a message."""
    return (piece.name, key) if isinstance(piece, Document) else (key,)


async def _in_thread(thread: str | None, send: Callable[..., Awaitable[_Sent]]) -> _Sent:
    """Sends into a thread; where that is gone, into the channel itself."""
    try:
        return await send(thread=thread)
    except Refused as refused:
        if refused.code not in NO_THREAD or thread is None:
            raise
        return await send(thread=None)


@contextmanager
def _noting_doubt(sending: Sending) -> Iterator[None]:
    try:
        yield
    except NoAnswer as error:
        sending.in_doubt = error.in_doubt
        raise
