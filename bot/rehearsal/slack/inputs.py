"""What people fill in: the values of a form, and what Slack itself does not let them send."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.state import Json

_KEPT = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "users_select": ("selected_user", "initial_user"),
}
"""Kind of element -> where its value stands in `state.values`, and where its first value comes from."""


class Unfit(Exception):
    """A value this element does not take; the message says what it takes."""


def initial_values(blocks: Sequence[Json]) -> Json:
    """`state.values` of a view nobody has touched: block_id -> action_id -> value."""
    values: Json = {}
    for block in blocks:
        for element in stateful(block):
            name, first = _KEPT[element["type"]]
            empty: object = [] if element["type"] == "checkboxes" else None
            value = {"type": element["type"], name: element.get(first) or empty}
            values.setdefault(block["block_id"], {})[element["action_id"]] = value
    return values


def stateful(block: Json) -> Iterator[Json]:
    """The elements of a block that hold a value."""
    parts = block["elements"] if block["type"] == "actions" else []
    one = block.get("element") or block.get("accessory")
    for element in [*parts, *([one] if one else [])]:
        if is_stateful(element):
            yield element


def is_stateful(element: Json) -> bool:
    return element["type"] in _KEPT


def kept_value(element: Json, value: Any) -> Json:
    """What a person chose or typed, as `state.values` holds it.

    `value` is the text, the value of the option, a list of those for checkboxes, an id, or None for nothing.
    Raises `Unfit`.
    """
    kind = element["type"]
    name, _ = _KEPT[kind]
    found: object
    match kind:
        case "static_select" | "radio_buttons":
            found = None if value is None else _option(element, value)
        case "checkboxes":
            found = [_option(element, each) for each in value or ()]
        case "plain_text_input":
            found = _text(element, value)
        case "number_input":
            found = _numeral(element, value)
        case _:
            found = value or None
    return {"type": kind, name: found}


def is_empty(value: Json) -> bool:
    return not any(found for name, found in value.items() if name != "type")


def _option(element: Json, value: object) -> Json:
    for option in element["options"]:
        if option["value"] == value:
            found: Json = option
            return found
    raise Unfit(f"There is no choice {value}. There are {_choices(element)}.")


def _choices(element: Json) -> str:
    return ", ".join(str(option["value"]) for option in element["options"])


def _text(element: Json, value: object) -> str | None:
    text = str(value or "")
    least, most = element.get("min_length", 0), element.get("max_length", limits.INPUT_TEXT)
    if len(text) > most:
        raise Unfit(f"Write at most {most} characters.")
    if text and len(text) < least:
        raise Unfit(f"Write at least {least} characters.")
    return text or None


def _numeral(element: Json, value: object) -> str | None:
    text = str(value if value is not None else "").strip()
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Unfit("Write a number.") from None
    if not number.is_finite() or (not element["is_decimal_allowed"] and number % 1):
        raise Unfit("Write a whole number." if number.is_finite() else "Write a number.")
    if "min_value" in element and number < Decimal(element["min_value"]):
        raise Unfit(f"Write a number from {element['min_value']} on.")
    if "max_value" in element and number > Decimal(element["max_value"]):
        raise Unfit(f"Write a number up to {element['max_value']}.")
    return text


def with_values(view: Json, given: Mapping[str, Any]) -> Json:
    """`state.values` of the view with what a person filled in, by action_id.

    Raises `Unfit` for an action_id the view does not have and for a value its element does not take.
    """
    values: Json = {block: dict(found) for block, found in view["state"]["values"].items()}
    elements = {
        element["action_id"]: (block["block_id"], element)
        for block in view["blocks"]
        for element in stateful(block)
    }
    for action_id, value in given.items():
        if action_id not in elements:
            raise Unfit(f"This form has no field {action_id}. It has {', '.join(elements)}.")
        block_id, element = elements[action_id]
        try:
            values[block_id][action_id] = kept_value(element, value)
        except Unfit as unfit:
            raise Unfit(f"{action_id}: {unfit}") from None
    return values


def missing(view: Json, values: Json) -> list[str]:
    """The labels of fields that must be filled in and are not."""
    return [
        block["label"]["text"]
        for block in view["blocks"]
        if block["type"] == "input"
        and not block.get("optional")
        and is_empty(values[block["block_id"]][block["element"]["action_id"]])
    ]
