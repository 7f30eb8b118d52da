"""What Slack takes in a view, a modal or the Home tab, and a view as the app gets it back."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.blocks import SHAPES, check_ids, with_ids
from bot.rehearsal.slack.elements import CHOOSERS, IDENTIFIER, plain
from bot.rehearsal.slack.inputs import initial_values
from bot.rehearsal.slack.shapes import (
    Check,
    Misshapen,
    boolean,
    by_type,
    fields,
    items,
    one_of,
    string,
    typed,
    whole,
)
from bot.rehearsal.slack.state import Json, State

_DISPATCH = fields(
    {},
    {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2)},
)
_TYPED: dict[str, Check] = {
    "action_id": IDENTIFIER,
    "initial_value": string(shortest=0),
    "placeholder": plain(limits.PLACEHOLDER),
    "focus_on_load": boolean,
    "dispatch_action_config": _DISPATCH,
}


def _numeral(value: object, at: str) -> None:
    string()(value, at)
    try:
        Decimal(str(value))
    except InvalidOperation:
        raise Misshapen("must be a number as text", at) from None


_ELEMENTS: dict[str, Check] = {
    **CHOOSERS,
    "plain_text_input": typed(
        "plain_text_input",
        {},
        {
            **_TYPED,
            "multiline": boolean,
            "min_length": whole(0, limits.INPUT_TEXT),
            "max_length": whole(1, limits.INPUT_TEXT),
        },
    ),
    "number_input": typed(
        "number_input",
        {"is_decimal_allowed": boolean},
        {**_TYPED, "min_value": _numeral, "max_value": _numeral},
    ),
}
_INPUT = typed(
    "input",
    {"label": plain(limits.INPUT_LABEL), "element": by_type(_ELEMENTS)},
    {
        "block_id": IDENTIFIER,
        "hint": plain(limits.INPUT_LABEL),
        "optional": boolean,
        "dispatch_action": boolean,
    },
)
_IN_VIEWS = ("actions", "context", "divider", "header", "image", "rich_text", "section")
_BLOCK = by_type({**{name: SHAPES[name] for name in _IN_VIEWS}, "input": _INPUT})
_COMMON: dict[str, Check] = {
    "private_metadata": string(limits.VIEW_METADATA, shortest=0),
    "callback_id": string(limits.IDENTIFIER, shortest=0),
    "external_id": string(limits.IDENTIFIER, shortest=0),
}
_BLOCKS = items(_BLOCK, limits.VIEW_BLOCKS, least=0)
_WORDS = plain(limits.VIEW_TITLE)
_HOME = fields({"type": one_of("home"), "blocks": _BLOCKS}, _COMMON)
_MODAL = fields(
    {"type": one_of("modal"), "blocks": _BLOCKS, "title": _WORDS},
    {
        **_COMMON,
        "submit": _WORDS,
        "close": _WORDS,
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)


class TooLarge(Exception):
    """The view is over 250 KB."""


def check_view(view: object, kind: str) -> None:
    """Raises `Misshapen` for a view Slack calls invalid, `TooLarge` above 250 KB. `kind`: home or modal."""
    if len(json.dumps(view)) > limits.VIEW_CHARACTERS:
        raise TooLarge
    (_HOME if kind == "home" else _MODAL)(view, "/view")
    if isinstance(view, dict):
        check_ids(view["blocks"])
        asks = any(block["type"] == "input" for block in view["blocks"])
        if kind == "modal" and asks and "submit" not in view:
            raise Misshapen("missing required field: submit", "/view")


def stored_view(
    state: State,
    view: Mapping[str, object],
    number: int,
    *,
    id_: str | None = None,
    below: Json | None = None,
) -> Json:
    """The view as Slack keeps it and shows it to the app. `below`: the view it was pushed onto."""
    identity = id_ or f"V{number:08d}"
    shown: Json = {**dict(view), "blocks": with_ids(_blocks(view))}
    empty = {"private_metadata": "", "callback_id": "", "external_id": "", "close": None, "submit": None}
    flags = {"clear_on_close": False, "notify_on_close": False}
    return {
        **empty,
        **flags,
        "title": {"type": "plain_text", "text": "View Title", "emoji": True},
        **shown,
        "id": identity,
        "team_id": state.team_id,
        "app_id": state.app_id,
        "app_installed_team_id": state.team_id,
        "bot_id": state.bot_id,
        "hash": f"{number}.{number:08x}",
        "root_view_id": below["root_view_id"] if below else identity,
        "previous_view_id": below["id"] if below else None,
        "state": {"values": initial_values(shown["blocks"])},
    }


def _blocks(view: Mapping[str, object]) -> list[Json]:
    found = view["blocks"]
    return found if isinstance(found, list) else []
