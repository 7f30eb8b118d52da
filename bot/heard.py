"""Who asked, where and by which request, as Slack's payloads say it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.attached import files_in
from bot.replies import Said
from bot.slacktext import plain
from dispatch.task import Attached, Source

Payload = Mapping[str, Any]

_CALLS: Final = ("<@", "<!")
"""How words begin that call somebody, a group or everybody."""


@dataclass(frozen=True, slots=True)
class Place:
    """Who asked, where, and by which request. `thread` is None where the card will start one."""

    key: str
    source: Source
    person: str
    channel: str
    thread: str | None = None
    message: str | None = None
    in_thread: bool = False
    files: tuple[Attached, ...] = ()


def place_of(payload: Payload, event: Payload) -> Place:
    """Who said that, and where it is answered: in the thread that it is in, or begins."""
    direct = event.get("channel_type") == "im" or event["channel"].startswith("D")
    return Place(
        key=f"{payload.get('team_id', '')}:{event['channel']}:{event['ts']}",
        source=Source.DM if direct else Source.MENTION,
        person=event["user"],
        channel=event["channel"],
        thread=event.get("thread_ts") or event["ts"],
        message=event["ts"],
        in_thread=bool(event.get("thread_ts")),
        files=files_in(event.get("files")),
    )


def said_in(event: Payload, place: Place, words: str | None) -> Said | None:
    """What a reply in a thread says; None where it is none, or begins with somebody else's name."""
    to_others = words is None and event["text"].lstrip().startswith(_CALLS)
    if not place.in_thread or place.thread is None or to_others:
        return None
    text = plain(event["text"] if words is None else words)
    return Said(
        place.key, place.person, place.channel, place.thread, text, words is not None, bool(place.files)
    )
