"""Whether Slack still takes the bot's token: without it no alarm can be told there."""

import logging
from datetime import datetime, timedelta
from typing import Final

from bot.ports import Chat, ChatError, Refused
from dispatch.ports import Clock

REPEAT: Final = timedelta(minutes=15)
"""That the token is refused is logged again after so long."""

_log = logging.getLogger(__name__)


class Voice:
    """Asks Slack who we are. The log says that it refuses, again every 15 minutes, and when it is over."""

    def __init__(self, chat: Chat, clock: Clock) -> None:
        self._chat = chat
        self._clock = clock
        self._told_at: datetime | None = None

    @property
    def lost(self) -> bool:
        """Whether Slack refused the token when last it said anything."""
        return self._told_at is not None

    async def check(self) -> None:
        """Asks. Never raises."""
        try:
            await self._chat.identity()
        except Refused as error:
            now = self._clock.now()
            if self._told_at is None or now - self._told_at >= REPEAT:
                self._told_at = now
                _log.error(
                    "Slack refuses the bot token (%s): nothing can be posted and no alarm can be told. "
                    "Do: put a working one in SLACK_BOT_TOKEN and restart",
                    error.code,
                )
        except ChatError:
            return
        else:
            if self._told_at is not None:
                _log.warning("Slack takes the bot token again")
            self._told_at = None
