"""The forms for a new task and a follow-up: what they show, what was filled in as a command. Pure."""

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.grammar import Submit, UsageError, parse
from bot.options import read_front
from bot.slacktext import escape, plain
from bot.views.card import whereto
from bot.views.message import Block, context, cut, section
from dispatch.policy import URGENT
from dispatch.routing import PRIORITIES, Table, tier_of
from dispatch.task import MODEL_TIERS, Task, Tier

CALLBACK: Final = "new_task"
"""The name of the form, and of the shortcut that opens it anywhere."""

FOLLOW_UP: Final = "follow_up"
"""The name of the form for a follow-up."""

WORDS: Final = "words"
PRIORITY, MODEL, CAP, PROJECT, CHANNEL = "priority", "model", "cap", "project", "channel"
"""The fields; each stands in a block of the same name."""

_WORDS_LIMIT: Final = 3_000
_QUOTE_LIMIT: Final = 600
_CHOICES: Final = 100
_GUIDES: Final = {
    Tier.OPUS: "needs senior reasoning",
    Tier.SONNET: "needs judgement",
    Tier.HAIKU: "a junior could do it",
}


def task_form(
    metadata: str,
    table: Table,
    projects: Sequence[str],
    *,
    channel: str | None = None,
    quoted: str | None = None,
) -> Mapping[str, Any]:
    """The form, with `metadata` to be read again when it is sent.

    `quoted` is the text of the message it is about, which then also says where the answer goes; otherwise
    the person chooses a channel, at first `channel`.
    """
    about = _about(quoted) if quoted is not None else ()
    where = (_channel(channel),) if quoted is None else ()
    works_on = (_optional(PROJECT, "Project", _select("the channel's", projects)),) if projects else ()
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": metadata,
        "title": _text("New task"),
        "submit": _text("Queue it"),
        "close": _text("Cancel"),
        "blocks": [
            *about,
            _field(WORDS, "What is to be done?", _words("investigate the stall in payments")),
            _priority(table, "the usual one here"),
            _optional(MODEL, "Model", _select("the one of the priority", MODEL_TIERS)),
            _optional(CAP, "The most it may cost, in dollars", _line("$2")),
            *works_on,
            *where,
        ],
    }


def follow_up_form(parent: Task, table: Table) -> Mapping[str, Any]:
    """The form for a task that goes on from another; its number is all that is read again when it is sent."""
    told = "I know what was asked and answered there, and answer in the same thread."
    return {
        "type": "modal",
        "callback_id": FOLLOW_UP,
        "private_metadata": str(parent.id),
        "title": _text("Follow up"),
        "submit": _text("Queue it"),
        "close": _text("Cancel"),
        "blocks": [
            section(f"Goes on from {whereto(parent)}"),
            context(told),
            _field(WORDS, "What is to follow?", _words("and the refunds?")),
            _priority(table, f"p{parent.priority}, as before", parent.priority),
        ],
    }


def filled_in(view: Mapping[str, Any]) -> Mapping[str, str]:
    """What was filled in, by field; empty ones are left out."""
    return {name: value for name, block in view["state"]["values"].items() if (value := _value(block))}


def typed(values: Mapping[str, str]) -> Submit | Mapping[str, str]:
    """What was filled in, by field, as the task that the same options and words make in a command.

    Where something is wrong: what, by field.
    """
    wrong, options = {}, []
    for field, prefix in ((PRIORITY, ""), (MODEL, "model="), (CAP, "max="), (PROJECT, "repo=")):
        if not (value := values.get(field, "").strip()):
            continue
        front, _ = read_front(f"{prefix}{value}")
        if front.wrong or len(value.split()) > 1:
            wrong[field] = in_field(front.wrong[0]) if front.wrong else "Give one value here."
        options += front.written()
    words = values.get(WORDS, "").strip()
    if not words:
        wrong[WORDS] = "Say what is to be done."
    if wrong:
        return wrong
    command = parse(" ".join([*options, "--", words]))
    if isinstance(command, Submit):
        return command
    return {WORDS: in_field(command.text if isinstance(command, UsageError) else "That is no task.")}


def in_field(mrkdwn: str) -> str:
    """An answer of ours as plain words beside a field."""
    return html.unescape(plain(mrkdwn)).replace("`", "")


def _about(quoted: str) -> tuple[Block, ...]:
    shown = cut(escape(quoted.strip() or "(a message without words)"), _QUOTE_LIMIT)
    lines = "\n".join(f"> {line}" for line in shown.split("\n"))
    told = "I read this message and its thread when the task starts, and answer there."
    return section(lines), context(told)


def _priority(table: Table, empty: str, first: int | None = None) -> Block:
    choices = [
        _choice(f"p{number}", f"p{number} · {_guide(number, tier_of(number, table))}")
        for number in range(PRIORITIES[0], PRIORITIES[-1] + 1)
    ]
    asked = {"type": "static_select", "placeholder": _text(empty), "options": choices}
    if first is not None:
        asked["initial_option"] = choices[first - PRIORITIES[0]]
    hint = "Could a junior do it? p8. Does it need judgement? p5. Senior reasoning? p3."
    return {**_optional(PRIORITY, "Priority", asked), "hint": _text(hint)}


def _guide(number: int, tier: Tier) -> str:
    urgent = "urgent, " if number <= URGENT else ""
    return f"{tier.capitalize()} · {urgent}{_GUIDES[tier]}"


def _channel(first: str | None) -> Block:
    asked: dict[str, Any] = {"type": "conversations_select", "filter": {"include": ["public", "private"]}}
    if first is not None:
        asked["initial_conversation"] = first
    block = _optional(CHANNEL, "Where the answer goes", asked)
    return {**block, "hint": _text("Empty: to our direct messages.")}


def _words(example: str) -> Block:
    return {**_line(example), "multiline": True, "max_length": _WORDS_LIMIT}


def _line(example: str) -> Block:
    return {"type": "plain_text_input", "placeholder": _text(example)}


def _select(empty: str, names: Sequence[str]) -> Block:
    choices = [_choice(name, name) for name in names[:_CHOICES]]
    return {"type": "static_select", "placeholder": _text(empty), "options": choices}


def _choice(value: str, label: str) -> Block:
    return {"text": _text(label), "value": value}


def _optional(name: str, label: str, element: Block) -> Block:
    return {**_field(name, label, element), "optional": True}


def _field(name: str, label: str, element: Block) -> Block:
    named = {**element, "action_id": name}
    return {"type": "input", "block_id": name, "label": _text(label), "element": named}


def _text(words: str) -> Block:
    return {"type": "plain_text", "text": words}


def _value(block: Mapping[str, Mapping[str, Any]]) -> str:
    """The one value in a block of a form, as text; empty where nothing was filled in."""
    for field in block.values():
        match field:
            case {"value": str(text)} | {"selected_conversation": str(text)}:
                return text
            case {"selected_option": {"value": str(text)}}:
                return text
    return ""
