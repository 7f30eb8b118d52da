"""The dead man's switch: a sign of life every minute, so that silence is an alarm somewhere else."""

import logging
from collections.abc import Callable
from typing import Final

import aiohttp

from dispatch.ports import Clock

PING: Final = 60.0
"""Seconds between two signs of life."""

_PATIENCE: Final = 10.0
_log = logging.getLogger(__name__)


class DeadMan:
    """Asks for `url` as long as `sound` says that all is well. It never raises.

    The address is a secret of those who watch from outside: no log line shows it.
    """

    def __init__(self, url: str, sound: Callable[[], bool], clock: Clock) -> None:
        self._url = url
        self._sound = sound
        self._clock = clock
        self._failing = False

    async def run(self) -> None:
        """Gives a sign every minute until cancelled."""
        while True:
            await self._clock.sleep(PING)
            await self.ping()

    async def ping(self) -> None:
        """One sign of life, if there is any."""
        if not self._sound():
            return
        trouble = await self._trouble()
        if trouble and not self._failing:
            _log.error("the dead man's ping fails: %s", trouble)
        elif self._failing and not trouble:
            _log.warning("the dead man's ping works again")
        self._failing = bool(trouble)

    async def _trouble(self) -> str:
        """What went wrong, or nothing."""
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as http,
                http.get(self._url) as response,
            ):
                return "" if response.status < 400 else f"HTTP {response.status}"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return type(error).__name__
