"""Slack's requests in: read, stored, answered. Plain payloads; no Bolt.

A request is stored before these functions return, and whoever calls them acknowledges only then.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from bot.grammar import (
    Cancel,
    Command,
    Cost,
    Help,
    ListTasks,
    Pause,
    Resume,
    Retry,
    Run,
    Show,
    Steer,
    Submit,
    UsageError,
    parse,
)
from bot.heard import Payload, Place, place_of, said_in
from bot.lookup import Lookup
from bot.manual import HELP
from bot.periods import next_time
from bot.ports import Accounts, Chat, Desk, Identity, Rights
from bot.remarks import begun, is_aside
from bot.replies import Answer, Replies, Told
from bot.scripts import NO_SCRIPTS, Scripts
from bot.slacktext import mentioned, plain
from bot.steering import Steering
from bot.threads import FollowUp, Meant, Stop, Threads
from bot.unstored import Unstored
from bot.views import texts, threads
from bot.views.scripts import with_scripts
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.errors import NotAdmitted, StoreError
from dispatch.forecast import Outlook
from dispatch.ports import Clock, Notifier, Outbox
from dispatch.task import NewTask, Source, Task

_SUBTYPES_HEARD: Final = (None, "file_share", "thread_broadcast")
_log = logging.getLogger(__name__)


class Intake:
    """What people ask of the bot in Slack.

    `priority_in` gives a channel's priority where none is named; `rights` says who may do what, beside the
    desk, which refuses by itself. Times of day are the `zone`'s. `steers_in` says in which channels replies
    steer, and `secrets` are struck out of what is told.
    `chat` is used only to say that a request could not be stored.
    """

    def __init__(
        self,
        desk: Desk,
        accounts: Accounts,
        outbox: Outbox,
        notifier: Notifier,
        chat: Chat,
        clock: Clock,
        me: Identity,
        zone: ZoneInfo,
        priority_in: Callable[[str], int],
        rights: Rights,
        scripts: Scripts = NO_SCRIPTS,
        steers_in: Callable[[str], bool] = lambda _: False,
        secrets: Iterable[str] = (),
    ) -> None:
        self._desk = desk
        self._outbox = outbox
        self._notifier = notifier
        self._clock = clock
        self._me = me
        self._zone = zone
        self._priority_in = priority_in
        self._scripts = scripts
        self._rights = rights
        self._replies = Replies(desk, rights)
        self._steering = Steering(desk)
        self._lookup = Lookup(desk, accounts, rights, zone, secrets)
        self._threads = Threads(desk, outbox, rights, self._steering, scripts, steers_in)
        self._unstored = Unstored(chat)

    async def slash(self, payload: Payload) -> str:
        """A slash command -> the private answer. Never raises: what went wrong is the answer."""
        try:
            place = Place(
                key=f"slash:{payload['trigger_id']}",
                source=Source.SLASH,
                person=payload["user_id"],
                channel=payload["channel_id"],
            )
            if payload.get("is_ext_shared_channel"):
                self._rights.heard(place.channel)
            return await self._do(parse(plain(payload.get("text") or "")), place)
        except StoreError:
            _log.exception("a command could not be stored")
            return texts.not_stored()
        except Exception:
            _log.exception("a command broke")
            return texts.broken()

    async def event(self, payload: Payload) -> None:
        """An event: a mention or message becomes a task or a private answer, anything else nothing.

        Raises StoreError where it could not be stored: not acknowledged, it is delivered again. Whoever
        is known to have asked is told so at once. Raises NotKnownYet, so that it is delivered again, without
        a word.
        """
        event = payload.get("event") or {}
        if not self._is_for_people(event):
            return
        place = place_of(payload, event)
        if payload.get("is_ext_shared_channel"):
            self._rights.heard(place.channel)
        words = self._addressed(event, place)
        if is_aside(event["text"] if words is None else words):
            return
        try:
            meant = await self._meant(event, place, words)
        except StoreError:
            # What was not said to us may be none of our business: that cannot be known now.
            if words is not None:
                await self._unstored.tell(place)
            raise
        if meant is not None:
            await self._answer(meant, place)

    async def do(self, asked: Command | FollowUp, place: Place) -> str:
        """Does what was asked in another way than in words -> the private answer. Raises StoreError.

        Why a task was not taken begins with `texts.REFUSED`.
        """
        return await self._do_meant(asked, place)

    async def _meant(self, event: Payload, place: Place, words: str | None) -> Meant | None:
        """What is asked of us, None where nothing is; `words` are those said to us. Raises as `event`."""
        about_us = words is None and f"<@{self._me.user}" in event["text"]
        said = said_in(event, place, words)
        if said and (answer := await self._replies.meant(said)) is not None:
            return answer
        if said and not about_us and (meant := await self._threads.meant(said)) is not None:
            return meant
        if about_us:
            return Told(texts.mention_first())
        return None if words is None else _begun(words, place)

    async def _answer(self, meant: Meant, place: Place) -> None:
        """Does it, and says what came of it where no card will."""
        try:
            answer = await self._do_meant(meant, place)
            told = not isinstance(meant, Submit | Run | FollowUp) or answer.startswith(texts.REFUSED)
            if told and answer:
                await self.tell(place, answer)
        except StoreError:
            await self._unstored.tell(place)
            raise

    async def _do_meant(self, meant: Meant, place: Place) -> str:
        match meant:
            case FollowUp():
                return await self._submit(meant.asked, place, follow_up=meant)
            case Stop():
                return await self._threads.stop(meant, place.key, place.person)
            case Answer():
                return await self._replies.give(meant)
            case Told(text):
                return text
            case _:
                return await self._do(meant, place)

    def _is_for_people(self, event: Payload) -> bool:
        """Whether a person has just said this: no bot, no edit, no deletion, no notice of Slack's."""
        return (
            event.get("type") in ("app_mention", "message")
            and event.get("subtype") in _SUBTYPES_HEARD
            and bool(event.get("user"))
            and event["user"] != self._me.user
            and not any(event.get(mark) for mark in ("bot_id", "edited", "hidden"))
            and isinstance(event.get("text"), str)
        )

    def _addressed(self, event: Payload, place: Place) -> str | None:
        """The words meant for the bot; None where it is not spoken to."""
        words = mentioned(event["text"], self._me.user)
        if words is None and place.source is Source.DM:
            return str(event["text"])
        return words

    async def _do(self, command: Command | UsageError, place: Place) -> str:
        if isinstance(command, ListTasks | Cost | Show):
            return await self._lookup.told(command, place.person, place.channel)
        match command:
            case Submit():
                return await self._submit(command, place)
            case UsageError(text):
                return text
            case Run():
                return await self._run(command, place)
            case Help():
                return with_scripts(HELP, self._scripts.listed(await self._open_to(place.person)))
            case Cancel() | Retry() | Pause() | Resume() | Steer():
                return await self._steering.do(command, place.key, place.person)

    async def _run(self, asked: Run, place: Place) -> str:
        if not self._scripts.any:
            return await self._submit(Submit(asked.typed), place)
        if not self._scripts.has(asked.name):
            return self._scripts.unknown(asked, await self._open_to(place.person))
        return await self._submit(Submit(asked.words), place, asked.name)

    async def _open_to(self, person: str) -> Sequence[str]:
        """The scripts that person may run."""
        return await self._rights.may_run(person, self._scripts.names)

    async def _submit(
        self, asked: Submit, place: Place, script: str | None = None, follow_up: FollowUp | None = None
    ) -> str:
        by = asked.by
        new = NewTask(
            request_key=place.key,
            source=place.source,
            requester=place.person,
            words=asked.words,
            priority=asked.priority or self._priority_in(place.channel),
            model=asked.model,
            cap_micro_usd=asked.cap_micro_usd,
            channel=place.channel,
            thread=place.thread,
            message=place.message,
            quote_thread=place.in_thread,
            expires_at=None if by is None else next_time(by, self._clock.now(), self._zone),
            script=script,
            project=asked.project,
            parent=follow_up.parent.id if follow_up else None,
            unless_alike=script is None and not place.in_thread and not place.files,
            adds_to=follow_up.adds_to if follow_up and not place.files else None,
            files=place.files,
        )
        try:
            task, created = await self._desk.submit(new)
        except NotAdmitted as refused:
            return texts.not_admitted(str(refused))
        return texts.receipt(task, created, await self._expected(task))

    async def _expected(self, task: Task) -> Mapping[int, Outlook]:
        """What can be said of a task that is stored. Where that cannot be read, it is stored all the same."""
        try:
            return await self._desk.outlooks([task])
        except StoreError:
            _log.exception("#%d is queued, but not where it stands", task.id)
            return {}

    async def tell(self, place: Place, text: str) -> None:
        """Answers one person: in a channel so that nobody else sees it. Raises StoreError."""
        direct = place.source is Source.DM
        answer = NewDelivery(
            key=f"told:{place.key}",
            kind=DeliveryKind.REPLY if direct else DeliveryKind.WHISPER,
            channel=place.channel,
            body=text,
            thread=place.thread if direct or place.in_thread else None,
            person=place.person,
        )
        await self._outbox.put(answer, self._clock.now())
        self._notifier.wake()


def _begun(words: str, place: Place) -> Meant | None:
    """What is asked of us outside of a task's thread; None: nothing."""
    if place.files and not words.strip():
        return Told(threads.FILE_ALONE)
    return begun(plain(words))
