"""Which blocks Slack takes in a message, and the limits over all of them together."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.charts import DATA_VISUALIZATION, TABLE, data_table
from bot.rehearsal.slack.elements import (
    ACCESSORY,
    ACTION,
    FEEDBACK_BUTTONS,
    ICON_BUTTON,
    IDENTIFIER,
    IMAGE,
    IMAGE_FIELDS,
    RICH_TEXT,
    SOURCE,
    mrkdwn,
    plain,
    text,
)
from bot.rehearsal.slack.shapes import Check, Misshapen, boolean, by_type, items, one_of, string, typed
from bot.rehearsal.slack.state import Json

_ID = {"block_id": IDENTIFIER}

_SECTION = typed(
    "section",
    {},
    {
        "text": text(limits.SECTION_TEXT),
        "fields": items(text(limits.SECTION_FIELD), limits.SECTION_FIELDS),
        "accessory": ACCESSORY,
        "expand": boolean,
        **_ID,
    },
)

_TASK_CARD = typed(
    "task_card",
    {
        "task_id": string(),
        "title": string(),
        "status": one_of("pending", "in_progress", "complete", "error"),
    },
    {
        "details": RICH_TEXT,
        "output": RICH_TEXT,
        "sources": items(SOURCE),
        **_ID,
    },
)


def _section(value: object, at: str) -> None:
    _SECTION(value, at)
    if isinstance(value, dict) and "text" not in value and "fields" not in value:
        raise Misshapen("missing required field: text", at)


_CONTEXT_PART = by_type(
    {
        "plain_text": plain(limits.CONTEXT_TEXT),
        "mrkdwn": mrkdwn(limits.CONTEXT_TEXT),
        "image": IMAGE,
    }
)

SHAPES: dict[str, Check] = {
    "actions": typed("actions", {"elements": items(ACTION, limits.ACTION_ELEMENTS)}, _ID),
    "context": typed("context", {"elements": items(_CONTEXT_PART, limits.CONTEXT_ELEMENTS)}, _ID),
    "context_actions": typed(
        "context_actions",
        {
            "elements": items(
                by_type({"feedback_buttons": FEEDBACK_BUTTONS, "icon_button": ICON_BUTTON}),
                limits.FEEDBACK_ELEMENTS,
            )
        },
        _ID,
    ),
    "data_table": data_table,
    "data_visualization": DATA_VISUALIZATION,
    "divider": typed("divider", {}, _ID),
    "header": typed("header", {"text": plain(limits.HEADER_TEXT)}, _ID),
    "image": typed(
        "image",
        {"alt_text": string(limits.ALT_TEXT)},
        {"title": plain(limits.ALT_TEXT), **IMAGE_FIELDS, **_ID},
    ),
    "markdown": typed("markdown", {"text": string(limits.MARKDOWN)}, _ID),
    "plan": typed("plan", {"title": string()}, {"tasks": items(_TASK_CARD, limits.PLAN_TASKS), **_ID}),
    "rich_text": RICH_TEXT,
    "section": _section,
    "table": TABLE,
    "task_card": _TASK_CARD,
}

BLOCK = by_type(SHAPES)


class TooLong(Exception):
    """The blocks are each fine and too much together."""


def check_blocks(blocks: object) -> None:
    """Raises `Misshapen` for blocks Slack calls invalid, `TooLong` above 13,200 characters."""
    items(BLOCK, limits.MESSAGE_BLOCKS)(blocks, "/blocks")
    found: Sequence[Json] = blocks if isinstance(blocks, list) else []
    _check_together(found)
    if sum(map(len, _strings(found))) > limits.BLOCK_CHARACTERS:
        raise TooLong


def _check_together(blocks: Sequence[Json]) -> None:
    kinds = [block["type"] for block in blocks]
    markdown = [block["text"] for block in blocks if block["type"] == "markdown"]
    if kinds.count("table") > limits.TABLES:
        raise Misshapen("only one table block allowed", "/blocks")
    if kinds.count("data_visualization") > limits.CHARTS:
        raise Misshapen("only two data_visualization blocks allowed", "/blocks")
    if sum(map(len, markdown)) > limits.MARKDOWN:
        raise Misshapen(f"markdown must be at most {limits.MARKDOWN} characters in all", "/blocks")
    if len(blocks) + sum(map(_expands_by, markdown)) > limits.MESSAGE_BLOCKS:
        raise Misshapen("markdown expands to more than 50 blocks", "/blocks")
    check_ids(blocks)


def check_ids(blocks: Sequence[Json]) -> None:
    """Raises `Misshapen` where a block_id, or an action_id inside one block, comes twice."""
    _check_unique([b["block_id"] for b in blocks if "block_id" in b], "block_id", "/blocks")
    for n, block in enumerate(blocks):
        parts = block.get("elements", []) if block["type"] in ("actions", "context_actions") else []
        _check_unique([p["action_id"] for p in parts if "action_id" in p], "action_id", f"/blocks/{n}")


def _check_unique(values: Sequence[str], name: str, at: str) -> None:
    if len(set(values)) != len(values):
        raise Misshapen(f"{name} must be unique", at)


_EXPANDING = re.compile(r"^ {0,3}(#{1,6}\s|(\*\s*){3,}$|(-\s*){3,}$|(_\s*){3,}$)", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def _expands_by(markdown: str) -> int:
    return len(_EXPANDING.findall(_FENCED.sub("", markdown)))


_COUNTED = ("text", "title", "label", "name", "caption", "alt_text")


def _strings(value: Any, key: str = "text") -> Iterator[str]:
    if isinstance(value, dict):
        for name, found in value.items():
            yield from _strings(found, name)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, key)
    elif isinstance(value, str) and key in _COUNTED:
        yield value


def with_ids(blocks: Sequence[Json]) -> list[Json]:
    """The blocks as Slack stores them: each with a block_id, each control with an action_id."""
    return [_named(block, n) for n, block in enumerate(blocks)]


def _named(block: Json, n: int) -> Json:
    stored = {**block, "block_id": block.get("block_id", f"b{n}")}
    if block["type"] in ("actions", "context_actions"):
        stored["elements"] = [{"action_id": f"a{n}{m}", **part} for m, part in enumerate(block["elements"])]
    if block["type"] == "input":
        stored["element"] = {"action_id": f"a{n}", **block["element"]}
    if "accessory" in block and block["accessory"]["type"] != "image":
        stored["accessory"] = {"action_id": f"a{n}", **block["accessory"]}
    return stored
