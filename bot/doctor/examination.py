"""All checks side by side, each with a limit of its own: one that hangs holds up none of the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from bot.doctor.finding import Finding, failure, unknown
from bot.ports import ChatError, RateLimited
from dispatch.errors import OnequeueError, Unreachable

LIMIT: Final = 10.0
"""Seconds that one check may take."""

Check = Callable[[], Awaitable[Sequence[Finding]]]
"""Looks at one thing; what it raises is a finding too."""

_NETWORK: Final = "Check network, proxy and firewall of this machine, then ask again"
_SLOW: Final = "Ask again; where it stays so, check network and disk of this machine"
_log = logging.getLogger(__name__)


async def examine(checks: Mapping[str, Check], limit: float = LIMIT) -> Sequence[Finding]:
    """The findings of all checks, in their order. Never raises."""
    found = await asyncio.gather(*(_one(name, check, limit) for name, check in checks.items()))
    return [finding for findings in found for finding in findings]


async def _one(name: str, check: Check, limit: float) -> Sequence[Finding]:
    did = "asked"
    try:
        async with asyncio.timeout(limit):
            return await check()
    except TimeoutError:
        return [failure(name, did, f"no answer within {limit:g} s", _SLOW)]
    except RateLimited as error:
        return [unknown(name, did, str(error), "Ask again then")]
    except (ChatError, Unreachable) as error:
        return [failure(name, did, str(error), _NETWORK)]
    except OnequeueError as error:
        return [failure(name, did, str(error), "Put that right, then ask again")]
    except Exception as error:
        _log.debug("the check of %s broke", name, exc_info=True)
        return [failure(name, did, f"the check broke: {error!r}", "Report this as a bug of Onequeue")]
