"""HTTP mode from Slack's side: signed requests to the app's one address, sent again where they fail."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode, urlsplit

import aiohttp

from bot.rehearsal.slack.delivery import Delivery
from bot.rehearsal.slack.guard import check_loopback
from bot.rehearsal.slack.state import Json

_FORM = "application/x-www-form-urlencoded"


def signed(secret: str, body: str, at: datetime) -> dict[str, str]:
    """The headers by which an app knows that a request is Slack's."""
    moment = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"v0:{moment}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={digest}"}


class Posting:
    """A `delivery.Line` that is no socket: each envelope is one POST to `url`, and its answer the
    acknowledgement. Whatever is not 200 fails at once.

    `now` is the time that requests are signed with. Raises ValueError for an address that is not loopback.
    """

    def __init__(
        self, url: str, secret: str, delivery: Delivery, now: Callable[[], datetime], ack_seconds: float
    ) -> None:
        check_loopback(urlsplit(url).hostname or "")
        self._url = url
        self._secret = secret
        self._delivery = delivery
        self._now = now
        self._patience = aiohttp.ClientTimeout(total=ack_seconds)
        self._why: dict[str, str] = {}

    async def send_str(self, data: str) -> None:
        """Sends one envelope."""
        frame = json.loads(data)
        event = str(frame["payload"].get("event_id", ""))
        try:
            answer = await self._post(frame, event)
        except TimeoutError:
            self._why[event] = "http_timeout"
        except aiohttp.ClientError:
            self._fail(frame, event, "connection_failed")
        else:
            if answer is None:
                self._fail(frame, event, "http_error")
            else:
                self._delivery.acknowledge(frame["envelope_id"], answer)

    async def _post(self, frame: Json, event: str) -> Json | None:
        """The app's answer; None where it refused."""
        kind, body = _written(frame)
        headers = {"Content-Type": kind, **signed(self._secret, body, self._now())}
        if frame.get("retry_attempt"):
            reason = self._why.get(event, "http_timeout")
            headers |= {"X-Slack-Retry-Num": str(frame["retry_attempt"]), "X-Slack-Retry-Reason": reason}
        async with (
            aiohttp.ClientSession(timeout=self._patience) as http,
            http.post(self._url, data=body.encode(), headers=headers) as response,
        ):
            if response.status != 200:
                return None
            text = await response.text()
            if response.content_type == "application/json":
                found: Json = json.loads(text)
                return found
            return {"text": text} if text else {}

    def _fail(self, frame: Json, event: str, why: str) -> None:
        self._why[event] = why
        self._delivery.refuse(frame["envelope_id"])


def _written(frame: Json) -> tuple[str, str]:
    """Content type and body, as Slack writes each kind."""
    payload = frame["payload"]
    match frame["type"]:
        case "events_api":
            return "application/json", json.dumps(payload)
        case "slash_commands":
            return _FORM, urlencode(payload)
        case _:
            return _FORM, urlencode({"payload": json.dumps(payload)})


async def verifies(url: str, secret: str, now: Callable[[], datetime]) -> bool:
    """Whether an app answers the challenge that Slack sends when its address is entered."""
    body = json.dumps({"type": "url_verification", "token": "verification-token", "challenge": "3eZbrw1a"})
    headers = {"Content-Type": "application/json", **signed(secret, body, now())}
    async with (
        asyncio.timeout(3),
        aiohttp.ClientSession() as http,
        http.post(url, data=body.encode(), headers=headers) as response,
    ):
        return response.status == 200 and "3eZbrw1a" in await response.text()
