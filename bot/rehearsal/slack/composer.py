"""What Slack's composer makes of typed words: escapes, mentions, links."""

import re
from collections.abc import Callable

from bot.rehearsal.slack.state import State

_TOKEN = re.compile(r"(<(?:@[UW]|#[CGD]|!|https?://|mailto:)[^<>]*>)")
_NAME = re.compile(r"(?<![\w@/.])@([a-z][\w.-]*)", re.IGNORECASE)
_PLACE = re.compile(r"(?<![\w#/&])#([a-z][\w-]*)")
_URL = re.compile(r"https?://[^\s<>|]+")
_BROADCASTS = ("channel", "here", "everyone")


def composed(state: State, typed: str) -> str:
    """A message as stored: & < > escaped, @ana and #ops turned into tokens, tokens kept as they are."""
    return _outside_tokens(typed, lambda text: _with_tokens(state, _escaped(text), labels=False))


def command_text(state: State, typed: str, *, escape_names: bool) -> str:
    """A command's text: escaped; with `escape_names` people, channels and links become tokens too."""
    if not escape_names:
        return _outside_tokens(typed, _escaped)
    return _outside_tokens(typed, lambda text: _with_tokens(state, _escaped(text), labels=True))


def _outside_tokens(typed: str, change: Callable[[str], str]) -> str:
    return "".join(part if n % 2 else change(part) for n, part in enumerate(_TOKEN.split(typed)))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _with_tokens(state: State, text: str, *, labels: bool) -> str:
    def name(match: re.Match[str]) -> str:
        user = user_named(state, match[1])
        if match[1].lower() in _BROADCASTS:
            return f"<!{match[1].lower()}>"
        if user is None:
            return match[0]
        return f"<@{user}|{match[1]}>" if labels else f"<@{user}>"

    def place(match: re.Match[str]) -> str:
        channel = channel_named(state, match[1])
        return f"<#{channel}|{match[1]}>" if channel else match[0]

    return _PLACE.sub(place, _NAME.sub(name, _URL.sub(r"<\g<0>>", text)))


def user_named(state: State, name: str) -> str | None:
    """The id of the user with that handle, in any case; None when there is none."""
    return next((u.id for u in state.users.values() if u.name.lower() == name.lower()), None)


def channel_named(state: State, name: str) -> str | None:
    """The id of the channel with that name; None when there is none."""
    return next((c.id for c in state.channels.values() if c.kind != "dm" and c.name == name), None)
