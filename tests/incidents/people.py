"""People who give the bot tasks in every way there is, and notice when Slack says that it failed."""

from dataclasses import dataclass, field
from typing import Literal

from bot.rehearsal.slack import SlackSim
from bot.rehearsal.slack.state import Envelope, State

Way = Literal["slash", "mention", "dm"]

_FATE_SECONDS = 20.0
_BACK_SECONDS = 150.0
"""Slack opens one connection a minute where it counts, and an address of it may be spent."""


@dataclass
class Request:
    """What was typed, and what the person saw of it. `ts` is their message, where it is one."""

    way: Way
    person: str
    channel: str
    words: str
    ts: str | None = None
    seen: str = ""


@dataclass
class Person:
    """Somebody who asks in one way until enough was taken, waiting while the bot is not connected."""

    name: str
    way: Way
    channel: str
    requests: list[Request] = field(default_factory=list)

    async def ask(self, slack: SlackSim, enough: int) -> None:
        """Gives tasks until so many were acknowledged."""
        while sum(acknowledged(slack, request) for request in self.requests) < enough:
            await slack.wait_for(lambda state: state.sockets > 0, timeout=_BACK_SECONDS)
            number = len(self.requests) + 1
            words = f"{self.name} by {self.way} number {number}" + (
                " in a long answer" if number == 2 else ""
            )
            request = Request(self.way, self.name, self.channel, words)
            self.requests.append(request)
            await self._send(slack, request, f"p{1 + 4 * (number % 3)} {words}")

    async def _send(self, slack: SlackSim, request: Request, text: str) -> None:
        if self.way == "slash":
            request.seen = await slack.slash(self.name, self.channel, text)
            return
        called = "@Onequeue " if self.way == "mention" else ""
        request.ts = await slack.say(self.name, self.channel, called + text)
        await slack.wait_for(
            lambda state: all(envelope.state != "sent" for envelope in carrying(state, request)),
            timeout=_FATE_SECONDS,
        )


def carrying(state: State, request: Request) -> list[Envelope]:
    """The envelopes that brought a message to the bot, copies and repetitions too."""
    return [
        envelope
        for envelope in state.envelopes
        if envelope.type == "events_api" and envelope.payload["event"].get("ts") == request.ts
    ]


def acknowledged(slack: SlackSim, request: Request) -> bool:
    """Whether Slack was told that it arrived: a person then counts on it."""
    if request.way == "slash":
        return request.seen.startswith("Queued as #")
    return any(envelope.state == "acked" for envelope in carrying(slack.state, request))
