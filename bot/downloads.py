"""What lies behind the address of a file in Slack. Our token goes to Slack alone."""

from typing import Final

import aiohttp
from yarl import URL

from bot.ports import NoAnswer, Refused

_TIMEOUT: Final = aiohttp.ClientTimeout(30)
_CHUNK: Final = 64 * 1024


def is_slacks(address: str, api: str) -> bool:
    """Whether files lie there: at Slack, or where its API is configured to be."""
    try:
        asked, known = URL(address), URL(api)
    except ValueError:
        return False
    if asked.user is not None or asked.host is None:
        return False
    at_slack = asked.host == "slack.com" or asked.host.endswith(".slack.com")
    return (at_slack and asked.scheme == "https") or asked.origin() == known.origin()


async def fetched(address: str, token: str, proxy: str | None, most: int) -> bytes | None:
    """What is there; None where that is more than so many bytes.

    Raises Refused and NoAnswer, and what aiohttp raises.
    """
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        asking = session.get(
            address, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False, proxy=proxy
        )
        async with asking as answer:
            if answer.status >= 500:
                raise NoAnswer(f"HTTP {answer.status}", in_doubt=False)
            if answer.status != 200:
                # Whoever may not have a file is led to a page to sign in.
                raise Refused(f"HTTP {answer.status}")
            content = bytearray()
            async for chunk in answer.content.iter_chunked(_CHUNK):
                content += chunk
                if len(content) > most:
                    return None
            return bytes(content)
