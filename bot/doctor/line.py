"""The line by which Slack reaches the app, and one event over it, from a message of our own and back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.doctor.finding import Finding, Level, failure, ok, unknown, warning
from bot.doctor.ports import Line, Running, Slack
from bot.ports import ChatError, RateLimited, Refused
from bot.views import gate
from bot.views.message import Message
from dispatch.errors import OnequeueError
from dispatch.ports import Clock

EVENTS: Final = "slack events"
PATIENCE: Final = 4.0
"""Seconds in which an event must have come back."""

_SAID: Final = Message("onequeue doctor: a message to see that events arrive. It goes away by itself.")
_POSTED: Final = "posted a message and waited for its event"
_LOOK_AGAIN: Final = 0.1
_NO_PLACE: Final = "Name an operator in operators.people, or a channel in digest.channel"
_RESTART: Final = "See its log; restart it if it stays so"
_SUBSCRIBE: Final = (
    "Paste `onequeue manifest` into the app's App Manifest (Event Subscriptions), then reinstall it"
)
_APP_LEVEL: Final = (
    "Put an app-level token (xapp-...) with connections:write in SLACK_APP_TOKEN: Basic Information, "
    "App-Level Tokens"
)
_FIXES: Final = {
    "socket_mode_not_enabled": "Switch on Socket Mode in the app's settings, or paste `onequeue manifest`",
    "missing_scope": _APP_LEVEL,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the doctor may post: to a `person` directly, else in a `channel`; nowhere where both are empty.

    `hears_channels` are the scopes without which nothing is heard in channels.
    """

    person: str
    channel: str
    hears_channels: frozenset[str]


class Nowhere(Exception):
    """There is nowhere to post; the message says why."""


async def over_socket(
    slack: Slack, place: Place, clock: Clock, patience: float = PATIENCE
) -> Sequence[Finding]:
    """Opens a socket, as nothing is running, and hears an event over it."""
    name, did = "slack socket", "apps.connections.open and a socket"
    not_heard = unknown(EVENTS, _POSTED, "not checked: there is no socket", "Put the socket right first")
    try:
        async with slack.socket() as line:
            async with asyncio.timeout(patience):
                while (hello := await line.heard()).get("type") != "hello":
                    pass
            others = int(hello.get("num_connections") or 1) - 1
            events = await _returns(slack, place, clock, _arrival(line), patience)
            if not others:
                return [ok(name, did, "Slack said hello"), events]
            saw = f"Slack said hello, and counts {others} other socket{'s' if others > 1 else ''} of this app"
            fix = "Let only one process have the app: each hears a part of what is said"
            return [warning(name, did, saw, fix), _perhaps_heard_elsewhere(events)]
    except Refused as refused:
        fix = _FIXES.get(refused.code, _APP_LEVEL)
        return [failure(name, did, f"Slack refused: {refused.code}", fix), not_heard]
    except RateLimited as error:
        again = "Slack lets an app open one connection a minute. Ask again then"
        return [unknown(name, did, f"not checked: {error}", again), not_heard]


def _perhaps_heard_elsewhere(events: Finding) -> Finding:
    if events.level is not Level.FAILURE:
        return events
    saw = f"not checked: {events.saw}, but another process may have heard it"
    return unknown(events.name, events.did, saw, "Stop the other process, then ask again")


async def of_running(
    running: Running, slack: Slack, place: Place, clock: Clock, lines: int, patience: float = PATIENCE
) -> Sequence[Finding]:
    """Asks the running Onequeue, which has the lines, and has it hear an event."""
    name, did = "slack socket" if lines > 1 else "slack requests", "asked the running Onequeue"
    vital = await running.vital()
    up = vital.connected
    saw = f"{up} of {lines} connected" if lines > 1 else "it listens" if up else "it does not listen"
    saw += f"; Slack was last heard at {vital.heard_at:%H:%M:%S} UTC" if vital.heard_at else ""
    if up >= lines:
        found = ok(name, did, saw)
    elif up:
        found = warning(name, did, saw, "Nothing is lost with one. Ask again in a few minutes")
    else:
        found = failure(name, did, saw, _RESTART)

    async def heard(_channel: str, ts: str) -> None:
        while ts not in (await running.vital()).messages:
            await clock.sleep(_LOOK_AGAIN)

    return [found, await _returns(slack, place, clock, heard, patience)]


async def of_nothing(address: str) -> Sequence[Finding]:
    """HTTP mode while nothing runs."""
    start = "Start `onequeue run`, then ask again"
    nobody = f"not checked: nothing runs, so nobody listens at {address}"
    return [
        unknown("slack requests", "looked for a running Onequeue", nobody, start),
        unknown(EVENTS, _POSTED, "not checked: nobody listens", start),
    ]


async def _returns(
    slack: Slack,
    place: Place,
    clock: Clock,
    heard: Callable[[str, str], Awaitable[None]],
    patience: float,
) -> Finding:
    """Whether Slack tells of a message of ours. `heard` returns once it has, given its channel and ts."""
    try:
        channel = await _channel(slack, place)
        gate.check(_SAID)
        post = {"channel": channel, "text": _SAID.text, "parse": "none"}
        posted = (await slack.call("chat.postMessage", post)).body
    except (Nowhere, ChatError) as error:
        return unknown(EVENTS, _POSTED, f"not checked: {error}", _NO_PLACE)
    where = {"channel": str(posted["channel"]), "ts": str(posted["ts"])}
    left = ""
    try:
        found = await _came(clock, heard(where["channel"], where["ts"]), patience)
    finally:
        try:
            await slack.call("chat.delete", where)
        except ChatError as error:
            left = f"; its message could not be deleted ({error})"
    if left and found.level is Level.OK:
        return warning(EVENTS, _POSTED, found.saw + left, "Delete it by hand")
    return replace(found, saw=found.saw + left)


async def _came(clock: Clock, heard: Awaitable[None], patience: float) -> Finding:
    begun = clock.now()
    try:
        async with asyncio.timeout(patience):
            await heard
    except TimeoutError:
        return failure(EVENTS, _POSTED, f"none came within {patience:g} s", _SUBSCRIBE)
    except (ChatError, OnequeueError) as error:
        return unknown(EVENTS, _POSTED, f"not checked: {error}", "Ask again")
    return ok(EVENTS, _POSTED, f"one came {max((clock.now() - begun).total_seconds(), 0.0):.1f} s later")


async def _channel(slack: Slack, place: Place) -> str:
    if place.person:
        opened = await slack.call("conversations.open", {"users": place.person})
        return str(opened.body["channel"]["id"])
    if not place.channel:
        raise Nowhere("there is no operator and no channel to post to")
    if not place.hears_channels <= (await slack.call("auth.test")).scopes:
        raise Nowhere("this app hears nothing in channels, and no operator is named to write to")
    return place.channel


def _arrival(line: Line) -> Callable[[str, str], Awaitable[None]]:
    """Listens for that message alone: what is not acknowledged comes again, to whoever runs next."""

    async def heard(channel: str, ts: str) -> None:
        while True:
            frame = await line.heard()
            event = (frame.get("payload") or {}).get("event") or {}
            if (event.get("channel"), event.get("ts")) == (channel, ts):
                await line.acknowledge(str(frame["envelope_id"]))
                return

    return heard
