"""Slack's own Stop under an answer that is being written: it stops the task, as Stop on the card does."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from bot.ports import Desk
from bot.slacktext import escape
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.errors import MoveRefused, NotFound
from dispatch.ports import Clock, Notifier, Outbox, Previews

STOPPED: Final = "agent_session_stopped"


class Requests(Protocol):
    """Who takes Slack's other requests."""

    async def slash(self, payload: dict[str, Any]) -> str:
        """The private answer to a command. Never raises."""
        ...

    async def event(self, payload: dict[str, Any]) -> None:
        """Takes an event. Raises StoreError where it must come again."""
        ...


class Stops:
    """`app.Requests` before others. Stops are taken here, all else there."""

    def __init__(
        self,
        requests: Requests,
        desk: Desk,
        previews: Previews,
        outbox: Outbox,
        notifier: Notifier,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._desk = desk
        self._previews = previews
        self._outbox = outbox
        self._notifier = notifier
        self._clock = clock

    async def slash(self, payload: dict[str, Any]) -> str:
        """The private answer to a command. Never raises."""
        return await self._requests.slash(payload)

    async def event(self, payload: dict[str, Any]) -> None:
        """Takes an event. Raises StoreError where it could not be stored; it is delivered again."""
        event = payload.get("event") or {}
        if event.get("type") != STOPPED:
            await self._requests.event(payload)
            return
        stopped = set(event.get("streaming_message_ts") or ())
        for begun in await self._previews.all():
            if begun.grows and begun.channel == event.get("channel") and begun.message in stopped:
                await self._cancel(begun.task_id, event)

    async def _cancel(self, task_id: int, event: Mapping[str, Any]) -> None:
        """Cancels it, or tells whoever pressed why not."""
        person = str(event.get("user") or "")
        try:
            await self._desk.cancel(task_id, person)
        except (MoveRefused, NotFound) as error:
            answer = NewDelivery(
                key=f"stop:{task_id}:{event['channel']}:{event.get('event_ts', '')}",
                kind=DeliveryKind.WHISPER,
                channel=event["channel"],
                body=escape(str(error)),
                thread=event.get("thread_ts"),
                person=person,
            )
            await self._outbox.put(answer, self._clock.now())
            self._notifier.wake()
