"""Slack's text, read as a person typed it, and strangers' text, made safe to show in Slack.

Reading: `mentioned` takes raw Slack text, `plain` turns the escaped forms into what was typed.
Writing: `visible` strips what is not text, `neutralise` breaks pings as well, `escape` is for mrkdwn,
`inline` and `code` are for a line of our own.
"""

import re
from collections.abc import Callable

ZERO_WIDTH = "\u200b"

_ESCAPED_FORM = re.compile(r"<([^<>]+)>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}
_BROADCASTS = ("channel", "here", "everyone", "group")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?://)?", re.IGNORECASE)

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"
    r"|\x1b\][^\x07\x1b\n]*+(?:\x07|\x1b\\)"
    r"|\x1b[@-_]|\x1b[()][0-9A-Za-z]"
)
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_PING = re.compile(
    r"<(?=\\*(?:!(?:channel|here|everyone|group|subteam)|@[UWB]|#[CGD]))"
    r"|(?<![A-Za-z0-9])@(?=(?:channel|here|everyone|group)(?![A-Za-z0-9]))",
    re.IGNORECASE,
)
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LOOKALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})


def mentioned(slack_text: str, bot_user: str) -> str | None:
    """The text behind a mention of the bot that begins the message; None when none does.

    Takes the raw text of the event, before `plain`. A colon or comma right after the mention belongs to it.
    """
    mention = re.match(rf"\s*<@{re.escape(bot_user)}(?:\|[^<>]*)?>(?:[:,](?=\s|\Z))?", slack_text)
    return slack_text[mention.end() :] if mention else None


def plain(slack_text: str) -> str:
    """Slack's escaped forms as the person saw them: `<@U1|ana>` is `@ana`, `&lt;` is `<`, unescaped once."""
    shown = _ESCAPED_FORM.sub(lambda form: _shown(form[1]) or form[0], slack_text)
    return _ENTITY.sub(lambda entity: _CHARACTERS[entity[1]], shown)


def _shown(form: str) -> str | None:
    target, _, label = form.partition("|")
    sign, name = target[:1], target[1:]
    if sign == "!":
        return _shown_special(name, label)
    if sign in ("@", "#"):
        return sign + (label.removeprefix(sign) or name) if name else None
    return _shown_link(target, label)


def _shown_special(target: str, label: str) -> str | None:
    kind, _, argument = target.partition("^")
    if kind in _BROADCASTS:
        return f"@{kind}"
    if kind == "subteam" and (label or argument):
        return "@" + (label.removeprefix("@") or argument)
    return label or None


def _shown_link(target: str, label: str) -> str | None:
    scheme = _SCHEME.match(target)
    if scheme is None:
        return None
    address = target[scheme.end() :]
    shown = target if scheme[0].endswith("//") else address
    if not label or label.rstrip("/") in (target.rstrip("/"), address.rstrip("/")):
        return shown
    return f"{label} ({shown})"


def visible(text: str) -> str:
    """Only what is meant to be read: no terminal codes, control characters or direction overrides.

    Lines end in `\\n`. Idempotent.
    """
    text = _ANSI.sub("", text)
    text = _LINE_END.sub("\n", text)
    text = _CONTROL.sub("", text)
    return _SURROGATE.sub("\ufffd", text)


def neutralise(text: str) -> str:
    """The visible text with no live ping in it. Idempotent.

    A zero-width space after `<` or `@` breaks mentions of people, groups, channels and everyone in any
    case. `<!DOCTYPE`, `List<int>`, links and e-mail addresses stay as they are.
    """
    return _PING.sub(rf"\g<0>{ZERO_WIDTH}", visible(text))


def escape(text: str) -> str:
    """Text that Slack's mrkdwn shows as words: pings broken, `& < >` escaped. Formatting still works."""
    return neutralise(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def inline(text: str, limit: int) -> str:
    """Strangers' words for a mrkdwn line of ours: one line, escaped, `* _ ~ `` replaced by look-alikes.

    The result has at most `limit` characters (1 or more) and ends with … where it was cut. An underscore
    inside a word stays: Slack does not format there.
    """
    return _fitted(text, limit, lambda line: escape(_UNDERSCORE.sub("ˍ", line).translate(_LOOKALIKES)))


def code(text: str, limit: int, typed: Callable[[str], str] = str) -> str:
    """Strangers' words as one mrkdwn code span of at most `limit` characters (3 or more), to be copied.

    `typed` makes of the one line that they are what stands there, whole however much of the line is left.
    """
    return f"`{_fitted(text, limit - 2, lambda line: escape(typed(line.replace('`', 'ˋ'))))}`"


def _fitted(text: str, limit: int, show: Callable[[str], str]) -> str:
    line = " ".join(neutralise(text).split())
    shown = show(line)
    kept = min(len(line), limit)
    while len(shown) > limit and kept > 0:
        # One character becomes five at most ("&amp;"), so this many must go at least.
        kept -= max(1, (len(shown) - limit) // 5)
        shown = show(line[: max(kept, 0)].rstrip() + "…")
    return shown
