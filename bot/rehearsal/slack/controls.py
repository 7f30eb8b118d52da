"""Finding the button or menu a person used, and saying so as a `block_actions` action."""

from collections.abc import Iterator, Sequence
from typing import Any

from bot.rehearsal.slack.inputs import Unfit, is_stateful, kept_value
from bot.rehearsal.slack.state import Json


def chosen(blocks: Sequence[Json], action_id: str, value: Any, block_id: str | None) -> Json | None:
    """The action of the first control that has this id, and this value if one is given; else None."""
    for block in blocks:
        if block_id in (None, block["block_id"]):
            for element in _controls(block):
                action = _action(element, value) if element.get("action_id") == action_id else None
                if action is not None:
                    return {"action_id": action_id, "block_id": block["block_id"], **action}
    return None


def _controls(block: Json) -> Iterator[Json]:
    if block["type"] in ("actions", "context_actions"):
        yield from block["elements"]
    if block["type"] == "input" and block.get("dispatch_action"):
        yield block["element"]
    if "accessory" in block:
        yield block["accessory"]


def _action(element: Json, value: Any) -> Json | None:
    kind = element["type"]
    match kind:
        case "button" | "icon_button":
            if value not in (None, element.get("value")):
                return None
            kept = ("text", "value", "style", "icon")
            return {"type": kind, **{name: element[name] for name in kept if name in element}}
        case "feedback_buttons":
            sides = (element["positive_button"], element["negative_button"])
            side = next((side for side in sides if value == side["value"]), None)
            return {"type": kind, "text": side["text"], "value": side["value"]} if side else None
        case "overflow":
            option = next((option for option in element["options"] if value == option["value"]), None)
            return {"type": kind, "selected_option": option} if option else None
        case _ if is_stateful(element) and value is not None:
            try:
                return kept_value(element, value)
            except Unfit:
                return None
        case _:
            return None
