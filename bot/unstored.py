"""Tells people that their request could not be stored: past the outbox, which cannot be written either."""

import logging
from collections import OrderedDict
from typing import Final

from bot.heard import Place
from bot.ports import Chat, ChatError
from bot.views import texts
from bot.views.message import Message
from dispatch.task import Source

_REMEMBERED: Final = 500
_log = logging.getLogger(__name__)


class Unstored:
    """Remembers who was told: Slack brings the same request again."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._told: OrderedDict[str, None] = OrderedDict()

    async def tell(self, place: Place) -> None:
        """Tells whoever asked, once for each request. Never raises ChatError."""
        if place.key in self._told:
            return
        self._told[place.key] = None
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        said = Message(texts.not_stored_yet())
        try:
            if place.source is Source.DM:
                await self._chat.post(place.channel, said, thread=place.thread, key=f"unstored:{place.key}")
            else:
                thread = place.thread if place.in_thread else None
                await self._chat.whisper(place.channel, place.person, said, thread=thread)
        except ChatError as error:
            _log.error("nobody could be told that a request was not stored: %s", error)
