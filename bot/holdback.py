"""Text that is still being written -> the part of it that can be shown already. Pure.

A secret or a ping may be written in two halves, each harmless by itself. Neither has a space in it, but for
a few that are looked for: so all up to a space is settled.
"""

import re
from collections.abc import Iterable
from typing import Final

from bot.redact import redact
from bot.slacktext import neutralise, visible

_TERMINAL: Final = ("\x1b", "\x9b")
_BEGINS: Final = "-----BEGIN "
_ENDS: Final = re.compile(r"-----END [A-Z0-9 ]{1,100}-----")


def safe(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with its secrets struck out and no live ping in it."""
    return neutralise(redact(text, secrets))


def settled(text: str, secrets: Iterable[str] = ()) -> str:
    """The `safe` text that this begins with, however it goes on: it only ever grows with the text."""
    known = tuple(secrets)
    words = visible(text[: _seen_whole(text)])
    end = len(words)
    while (earlier := _space_before(words, _apart(words[:end], known))) < end:
        end = earlier
    return safe(words[:end], known)


def _seen_whole(text: str) -> int:
    """Where the last word begins that stands before its line's first terminal code: such may have spaces."""
    start = text.rfind("\n") + 1
    codes = [at for code in _TERMINAL if (at := text.find(code, start)) >= 0]
    return max(start, text.rfind(" ", start, min(codes, default=len(text))) + 1)


def _apart(words: str, secrets: Iterable[str]) -> int:
    """Where a private key begins that has no end yet, or the beginning of a secret that has spaces."""
    end, begins = len(words), words.rfind(_BEGINS)
    if begins >= 0 and not _ENDS.search(words, begins):
        end = begins
    for secret in secrets:
        reach = min(len(secret) - 1, len(words)) if len(secret.split()) > 1 else 0
        at = len(words) - reach
        while at < len(words) and not secret.startswith(words[at:]):
            at += 1
        end = min(end, at)
    return end


def _space_before(words: str, end: int) -> int:
    """The end of the words that end there or before."""
    while end > 0 and end < len(words) and words[end - 1] not in " \n":
        end -= 1
    return end
