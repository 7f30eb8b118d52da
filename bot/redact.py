"""Secrets out of a text: those we know, and whatever has the shape of a well-known one.

Redact the raw text, before it is cut, escaped or neutralised. What nobody sees goes first, such as terminal
codes: taken out afterwards, it would put together a secret that it had split. Every pattern reads a text in
linear time.
"""

import re
from collections.abc import Iterable
from typing import Final

from bot.slacktext import visible

REDACTED: Final = "[redacted]"

_SHORTEST_SECRET = 8

_KEY_NAME = r"(?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY-----"
_SHAPES: Final = tuple(
    re.compile(shape)
    for shape in (
        # A private key up to its end, or as many lines of it as there are, numbered or not.
        rf"-----BEGIN {_KEY_NAME}"
        rf"(?:(?:[^-]|-(?!----))*+-----END {_KEY_NAME}"
        r"|(?:(?:\s|\\n|\d{1,7}[→:\t])*+[A-Za-z0-9+/=]{16,}+)*+)",
        r"https://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]++",
        # user:password in an address, up to the last @ before the path.
        r"(?<=://)[^\s/?#:@\"'<>|]*+:[^\s/?#\"'<>|]+(?=@)",
        r"(?<=[?&])(?i:(?:access_|api_?)(?:token|key|secret)|token|password|secret)=[^\s&#\"'<>|]++",
        r"(?:xox[abcdeprs]|xapp)-[A-Za-z0-9-]{10,}+",
        r"sk-ant-[A-Za-z0-9_-]{8,}+",
        r"(?<![A-Za-z0-9])sk-(?=[A-Za-z_-]{0,60}[0-9])[A-Za-z0-9_-]{20,}+",
        r"gh[pousr]_[A-Za-z0-9]{20,}+",
        r"github_pat_[A-Za-z0-9_]{20,}+",
        r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+",
    )
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The visible text with `[redacted]` for every secret in it.

    `secrets` are the configured ones, matched exactly; one of fewer than 8 characters is left alone,
    because it would be found in ordinary words.
    """
    text = visible(text)
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, REDACTED)
    for shape in _SHAPES:
        text = shape.sub(REDACTED, text)
    return text
