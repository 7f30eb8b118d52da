"""A message for Slack, and the few blocks that ours are made of. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from bot.slacktext import escape, neutralise

Block = Mapping[str, Any]
"""A Block Kit block as JSON."""

TEXT_LIMIT: Final = 3_900
"""Characters of a message's text: an edit takes 4,000 at most."""

_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `text` stands for it in notifications, and in its place where blocks are refused.

    `mentions` is the one person it may ping. Their mention stands in one block of its own. `simpler`
    says the same with older blocks, for a Slack that refuses the newest.
    """

    text: str
    blocks: tuple[Block, ...] = ()
    mentions: str | None = None
    simpler: "Message | None" = None

    def without_blocks(self) -> "Message":
        """The same as text alone; the mention moves into it."""
        called = f"{mention(self.mentions)} " if self.mentions else ""
        return replace(self, text=called + self.text, blocks=())


def section(mrkdwn: str) -> Block:
    """A paragraph of at most 3,000 characters, safe already."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}}


def context(mrkdwn: str) -> Block:
    """One quiet line of at most 3,000 characters, safe already."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn}]}


def markdown(text: str) -> Block:
    """A model's words. The text must be neutralised already."""
    return {"type": "markdown", "text": text}


def actions(block_id: str, buttons: Sequence[Block]) -> Block:
    """A row of at most 25 buttons, each with an action id of its own."""
    return {"type": "actions", "block_id": block_id, "elements": list(buttons)}


def button(action_id: str, label: str, value: str) -> Block:
    """A button for an actions block; `label` is plain text of at most 75 characters."""
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "action_id": action_id, "text": text, "value": value}


def confirmed(pressed: Block, question: str, yes: str, no: str) -> Block:
    """The button with a question that is asked before it counts; `yes` and `no` are its answers."""
    dialog = {
        "title": {"type": "plain_text", "text": yes},
        "text": {"type": "plain_text", "text": question},
        "confirm": {"type": "plain_text", "text": yes},
        "deny": {"type": "plain_text", "text": no},
    }
    return {**pressed, "confirm": dialog}


def thumbs(action_id: str, block_id: str, up: str, down: str) -> Block:
    """A thumb up and one down; `up` and `down` are what a press of them says."""
    sides = {
        "positive_button": {"text": {"type": "plain_text", "text": "Good answer"}, "value": up},
        "negative_button": {"text": {"type": "plain_text", "text": "Bad answer"}, "value": down},
    }
    pressed = {"type": "feedback_buttons", "action_id": action_id, **sides}
    return {"type": "context_actions", "block_id": block_id, "elements": [pressed]}


def mention(person: str) -> str:
    """Pings that person. Only for a message that is for them."""
    return f"<@{person}>"


def is_person(requester: str) -> bool:
    """Whether that is somebody Slack knows, not a user of the command line."""
    return requester[:1] in ("U", "W") and requester.isalnum() and requester.isupper()


def clock_time(at: datetime) -> str:
    """A time of day in the reader's own zone."""
    return _date(at, "{time}", f"{at:%H:%M} UTC")


def day_and_time(at: datetime) -> str:
    """A day and time in the reader's own zone, with today and yesterday in words."""
    return _date(at, "{date_short_pretty} {time}", f"{at:%Y-%m-%d %H:%M} UTC")


def moment(at: datetime, since: datetime) -> str:
    """A time in the reader's own zone, with its day where it lies a day or more after `since`."""
    return clock_time(at) if at - since < _ONE_DAY else day_and_time(at)


def at_moment(at: datetime, since: datetime) -> str:
    """The same as an adverb: `at 18:00`, or the day and time."""
    return f"at {clock_time(at)}" if at - since < _ONE_DAY else day_and_time(at)


def _date(at: datetime, shown: str, fallback: str) -> str:
    return f"<!date^{int(at.timestamp())}^{shown}|{fallback}>"


def line(parts: Sequence[str]) -> str:
    """The parts that say anything, in one line."""
    return " · ".join(part for part in parts if part)


def plain_text(text: str) -> str:
    """Strangers' words as a message's text: escaped, cut, with no live ping also where it was cut."""
    return neutralise(cut(escape(text), TEXT_LIMIT - 1))


def cut(escaped: str, limit: int) -> str:
    """At most so many characters of escaped text, never ending inside an `&amp;`."""
    if len(escaped) <= limit:
        return escaped
    kept = escaped[: limit - 1]
    begun = kept.rfind("&", max(0, len(kept) - len("&amp")))
    if begun >= 0 and ";" not in kept[begun:]:
        kept = kept[:begun]
    return kept.rstrip() + "…"
