"""Forms opened in Slack, which takes the trigger of a press once and for three seconds."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol

from bot.ports import ChatError, Refused

PATIENCE: Final = 2.0
"""Seconds from the request until a form must be open: Slack gives us three in all."""

_OPEN_ALREADY: Final = "exchanged_trigger_id"
_log = logging.getLogger(__name__)


class Windows(Protocol):
    """What forms need of Slack. Every method raises ChatError."""

    async def open_form(self, trigger: str, view: Mapping[str, Any]) -> None:
        """Shows a form to whoever has just done what the trigger is of."""
        ...

    async def open_dm(self, person: str) -> str:
        """The channel of our direct messages with a person."""
        ...


def latest() -> float:
    """When a form must be open that is asked for now, as the event loop tells time."""
    return asyncio.get_running_loop().time() + PATIENCE


async def opened(windows: Windows, trigger: str, view: Mapping[str, Any], by: float) -> bool:
    """Whether the form is open by then: one that a request opened when it first came is. Never raises."""
    try:
        async with asyncio.timeout_at(by):
            await windows.open_form(trigger, view)
    except Refused as error:
        _log.warning("a form could not be opened: %s", error)
        return error.code == _OPEN_ALREADY
    except (ChatError, TimeoutError) as error:
        _log.warning("a form could not be opened: %s", str(error) or "Slack was slow")
        return False
    except Exception:
        _log.exception("a form could not be opened")
        return False
    return True
