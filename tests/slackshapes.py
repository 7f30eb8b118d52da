"""Slack's own limits on messages and views, as an independent registry gives them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from slackblocks import _limits as slack

from bot.rehearsal.slack.state import Call

Json = Mapping[str, Any]
TEXT: Final = 4_000
"""Slack cuts `text` beyond this."""

_WORDS: Final = 13_200
"""All words of a message's blocks together, as Slack has been seen to refuse more."""

_VIEW: Final = 250_000
"""Slack refuses a view of more bytes."""


def check_calls(calls: Iterable[Call]) -> None:
    """Raises AssertionError where anything that Slack took was not within its limits."""
    for call in calls:
        if call.ok:
            check_call(call.method, call.args)


def check_call(method: str, args: Json) -> None:
    """Raises AssertionError where what was sent to Slack is not within its limits."""
    match method:
        case "chat.postMessage" | "chat.update" | "chat.postEphemeral":
            check_message(args.get("text") or "", _read(args.get("blocks")) or ())
        case "chat.stopStream":
            check_blocks(_read(args.get("blocks")) or (), slack.MESSAGE_BLOCKS_MAX_ITEMS)
        case "chat.appendStream":
            assert 1 <= len(args["markdown_text"]) <= slack.MARKDOWN_TEXT_MAX_LENGTH
        case "views.open" | "views.publish" | "views.update" | "views.push":
            check_view(_read(args["view"]))


def check_message(text: str, blocks: Sequence[Json]) -> None:
    """Raises AssertionError where a message has no words, or more than Slack takes."""
    assert 0 < len(text) <= TEXT
    check_blocks(blocks, slack.MESSAGE_BLOCKS_MAX_ITEMS)
    assert sum(len(words) for words in _texts(blocks)) <= _WORDS
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    assert markdown <= slack.MARKDOWN_TOTAL_TEXT_MAX_LENGTH


def check_view(view: Json) -> None:
    """Raises AssertionError where a modal or a Home is not within Slack's limits."""
    check_blocks(view["blocks"], slack.VIEW_BLOCKS_MAX_ITEMS)
    assert view["type"] in ("modal", "home")
    assert not {block["type"] for block in view["blocks"]} & {"markdown", "table", "data_visualization"}
    assert len(view.get("private_metadata") or "") <= slack.VIEW_PRIVATE_METADATA_MAX_LENGTH
    assert len(view.get("callback_id") or "") <= slack.VIEW_CALLBACK_ID_MAX_LENGTH
    assert len(json.dumps(view).encode()) <= _VIEW
    if view["type"] == "modal":
        assert 1 <= len(view["title"]["text"]) <= slack.VIEW_TITLE_MAX_LENGTH
        for name, limit in (("submit", slack.VIEW_SUBMIT_MAX_LENGTH), ("close", slack.VIEW_CLOSE_MAX_LENGTH)):
            assert len(view[name]["text"]) <= limit if view.get(name) else True
        asks = any(block["type"] == "input" for block in view["blocks"])
        assert bool(view.get("submit")) >= asks


def check_blocks(blocks: Sequence[Json], most: int) -> None:
    """Raises AssertionError where the blocks are too many, share a name, or are not within their limits."""
    assert len(blocks) <= most
    names = [block["block_id"] for block in blocks if block.get("block_id")]
    assert len(names) == len(set(names))
    assert all(len(name) <= slack.BLOCK_ID_MAX_LENGTH for name in names)
    for block in blocks:
        _check_block(block)


def _check_block(block: Json) -> None:
    match block["type"]:
        case "section":
            if "text" in block:
                assert 1 <= len(block["text"]["text"]) <= slack.SECTION_TEXT_MAX_LENGTH
            fields = block.get("fields") or ()
            assert len(fields) <= slack.SECTION_FIELDS_MAX_ITEMS
            assert all(len(field["text"]) <= slack.SECTION_FIELDS_ITEM_MAX_LENGTH for field in fields)
            if block.get("accessory"):
                _check_element(block["accessory"])
        case "context":
            assert 1 <= len(block["elements"]) <= slack.CONTEXT_ELEMENTS_MAX_ITEMS
            assert all(1 <= len(one["text"]) <= slack.TEXT_MAX_LENGTH for one in block["elements"])
        case "actions":
            assert 1 <= len(block["elements"]) <= slack.ACTIONS_ELEMENTS_MAX_ITEMS
            actions = [one["action_id"] for one in block["elements"]]
            assert len(actions) == len(set(actions))
            for element in block["elements"]:
                _check_element(element)
        case "header":
            assert 1 <= len(block["text"]["text"]) <= slack.HEADER_TEXT_MAX_LENGTH
        case "markdown":
            assert 1 <= len(block["text"]) <= slack.MARKDOWN_TEXT_MAX_LENGTH
        case "context_actions":
            assert 1 <= len(block["elements"]) <= slack.CONTEXT_ACTIONS_ELEMENTS_MAX_ITEMS
            for element in block["elements"]:
                for side in ("positive_button", "negative_button"):
                    assert 1 <= len(element[side]["text"]["text"]) <= slack.FEEDBACK_BUTTON_TEXT_MAX_LENGTH
                    assert len(element[side]["value"]) <= slack.FEEDBACK_BUTTON_VALUE_MAX_LENGTH
        case "input":
            assert 1 <= len(block["label"]["text"]) <= slack.INPUT_LABEL_MAX_LENGTH
            assert len((block.get("hint") or {}).get("text", "")) <= slack.INPUT_HINT_MAX_LENGTH
            _check_element(block["element"])
        case "divider":
            pass
        case "table":
            assert 1 <= len(block["rows"]) <= slack.TABLE_ROWS_MAX_ITEMS
            assert all(1 <= len(row) <= slack.TABLE_COLUMNS_MAX_ITEMS for row in block["rows"])
        case "data_visualization":
            assert 1 <= len(block["title"]) <= slack.DATA_VISUALIZATION_TITLE_MAX_LENGTH
        case other:
            raise AssertionError(f"a block nobody expects: {other}")


def _check_element(element: Json) -> None:
    assert 1 <= len(element["action_id"]) <= slack.ACTION_ID_MAX_LENGTH
    placeholder = (element.get("placeholder") or {}).get("text", "")
    assert len(placeholder) <= slack.SELECT_PLACEHOLDER_MAX_LENGTH
    match element["type"]:
        case "button":
            assert 1 <= len(element["text"]["text"]) <= slack.BUTTON_TEXT_MAX_LENGTH
            assert len(element.get("value") or "") <= slack.BUTTON_VALUE_MAX_LENGTH
            assert len(element.get("url") or "") <= slack.BUTTON_URL_MAX_LENGTH
        case "static_select":
            options = element["options"]
            assert 1 <= len(options) <= slack.SELECT_OPTIONS_MAX_ITEMS
            for option in options:
                assert 1 <= len(option["text"]["text"]) <= slack.OPTION_TEXT_MAX_LENGTH
                assert 1 <= len(option["value"]) <= slack.OPTION_VALUE_MAX_LENGTH
        case "plain_text_input":
            most = element.get("max_length", slack.PLAIN_TEXT_INPUT_MAX_LENGTH_MAX)
            assert most <= slack.PLAIN_TEXT_INPUT_MAX_LENGTH_MAX
            assert len(element.get("initial_value") or "") <= most
        case "conversations_select" | "users_select" | "channels_select":
            pass
        case other:
            raise AssertionError(f"an element nobody expects: {other}")


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [words for inner in value.values() for words in _texts(inner)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [words for inner in value for words in _texts(inner)]
    return []


def _read(given: Any) -> Any:
    """What is sent as JSON in a form's field, too."""
    return json.loads(given) if isinstance(given, str) else given
