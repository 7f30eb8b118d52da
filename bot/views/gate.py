"""The last look at a message before it leaves: it may ping nobody but the person it is for. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

from bot.views.message import Message, mention

_LIVE = re.compile(
    r"<\\*(?:!(?:channel|here|everyone|group|subteam)|@[UWB])"
    r"|(?<![A-Za-z0-9])@(?:channel|here|everyone|group)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_PINGING_ELEMENTS = ("user", "usergroup", "broadcast")


class LivePing(Exception):
    """The message would ping somebody it must not. It must not be sent."""


def check(message: Message) -> None:
    """Raises LivePing where the message pings anybody but `message.mentions`, or them more than once."""
    allowed = mention(message.mentions) if message.mentions else None
    found = [ping for text in _texts([message.text, *message.blocks]) for ping in _pings(text)]
    found += _elements(message.blocks)
    strangers = [ping for ping in found if ping != allowed]
    if strangers or len(found) > 1:
        raise LivePing(f"{len(found)} pings, first {(strangers or found)[0]!r}, allowed {allowed!r}")


def _pings(text: str) -> Iterator[str]:
    for live in _LIVE.finditer(text):
        end = text.find(">", live.start()) if live[0].startswith("<") else live.end() - 1
        yield text[live.start() : end + 1] if end >= 0 else live[0]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _elements(value: object) -> list[str]:
    if isinstance(value, Mapping):
        here = [str(value["type"])] if value.get("type") in _PINGING_ELEMENTS else []
        return here + [ping for inner in value.values() for ping in _elements(inner)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [ping for inner in value for ping in _elements(inner)]
    return []
