"""Who a message pings: everything in it that Slack would turn into a notification."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.rehearsal.slack.state import Json, PingKind, User

_TOKEN = re.compile(r"<(@[UW][A-Z0-9]+|!(?:channel|here|everyone|group)|!subteam\^[A-Z0-9]+)(?:[|^][^>]*)?>")
_BARE = re.compile(r"(?<![\w@/.])@(channel|here|everyone|group)\b")

Target = tuple[PingKind, str]


def pinged(
    text: str, blocks: Sequence[Json], users: Mapping[str, User], *, bare_names: bool = False
) -> list[Target]:
    """Each target once, in order of appearance, over the text and every block.

    `bare_names` reads an unescaped @channel as live too, as Slack does with link_names or parse=full.
    People the workspace does not know and bots are not pinged.
    """
    found: dict[Target, None] = {}
    for part in [text, *_live_texts(blocks)]:
        found.update(dict.fromkeys(_in_text(part, bare_names=bare_names)))
    found.update(dict.fromkeys(_in_rich_text(blocks)))
    return [target for target in found if target[0] != "user" or _is_person(users, target[1])]


def _is_person(users: Mapping[str, User], user: str) -> bool:
    return user in users and not users[user].is_bot


def _in_text(text: str, *, bare_names: bool) -> Iterator[Target]:
    for token in _TOKEN.findall(text):
        if token.startswith("@"):
            yield "user", token[1:]
        elif token.startswith("!subteam^"):
            yield "usergroup", token.removeprefix("!subteam^")
        else:
            yield _broadcast(token[1:])
    if bare_names:
        yield from map(_broadcast, _BARE.findall(text))


def _broadcast(name: str) -> Target:
    kinds: dict[str, PingKind] = {"here": "here", "everyone": "everyone"}
    kind = kinds.get(name, "channel")
    return kind, kind


def _live_texts(value: Any) -> Iterator[str]:
    """Texts Slack parses: mrkdwn objects and markdown blocks, never plain, raw or rich text."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _live_texts(item)
    elif isinstance(value, dict):
        if value.get("type") in ("mrkdwn", "markdown") and isinstance(value.get("text"), str):
            yield value["text"]
        for item in value.values():
            yield from _live_texts(item)


def _in_rich_text(value: Any) -> Iterator[Target]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _in_rich_text(item)
    elif isinstance(value, dict):
        match value:
            case {"type": "user", "user_id": str(user)}:
                yield "user", user
            case {"type": "usergroup", "usergroup_id": str(group)}:
                yield "usergroup", group
            case {"type": "broadcast", "range": str(name)}:
                yield _broadcast(name)
        for item in value.values():
            yield from _in_rich_text(item)
