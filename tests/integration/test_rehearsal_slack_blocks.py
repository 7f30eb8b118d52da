"""Which blocks the simulated Slack takes: shape, lengths, and limits over a whole message."""

import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slackblocks import _limits as official

from bot.rehearsal.slack import SlackSim, limits
from tests.integration.rehearsal_slack import MANIFEST, answer, refusal, running

Block = dict[str, Any]


@pytest.fixture
async def web() -> AsyncIterator[AsyncWebClient]:
    async with running(SlackSim(MANIFEST)) as client:
        yield client


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def button(n: int = 0, **more: Any) -> Block:
    return {"type": "button", "action_id": f"a{n}", "text": plain("Go"), **more}


def chart(series: int = 1, categories: int = 2, **more: Any) -> Block:
    labels = [f"day {n}" for n in range(categories)]
    data = [{"label": label, "value": 0.5} for label in labels]
    return {
        "type": "data_visualization",
        "title": "Cost",
        "chart": {
            "type": "bar",
            "series": [{"name": f"tier {n}", "data": data} for n in range(series)],
            "axis_config": {"categories": labels, "y_label": "dollars"},
            **more,
        },
    }


def pie(**segment: Any) -> Block:
    parts = [{"label": "opus", "value": 1, **segment}]
    return {"type": "data_visualization", "title": "Cost", "chart": {"type": "pie", "segments": parts}}


def table(rows: int, columns: int) -> Block:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


def rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


TAKEN: dict[str, list[Block]] = {
    "section at its limit": [{"type": "section", "text": mrkdwn("x" * 3000)}],
    "header at its limit": [{"type": "header", "text": plain("x" * 150)}],
    "context": [{"type": "context", "elements": [mrkdwn("x")] * 10}],
    "actions": [{"type": "actions", "elements": [button(n) for n in range(25)]}],
    "button at its limits": [
        {"type": "actions", "elements": [button(value="v" * 2000, text=plain("x" * 75), style="danger")]}
    ],
    "accessory": [{"type": "section", "text": mrkdwn("x"), "accessory": button()}],
    "50 blocks": [{"type": "divider"}] * 50,
    "markdown at its limit": [{"type": "markdown", "text": "x" * 12_000}],
    "table at its limits": [table(100, 20)],
    "two charts": [chart(), chart(series=12, categories=20)],
    "pie": [pie()],
    "rich text": [rich({"type": "text", "text": "x", "style": {"bold": True}})],
    "feedback": [
        {
            "type": "context_actions",
            "elements": [
                {
                    "type": "feedback_buttons",
                    "action_id": "feedback",
                    "positive_button": {"text": plain("Good"), "value": "up"},
                    "negative_button": {"text": plain("Bad"), "value": "down"},
                }
            ],
        }
    ],
    "data table": [
        {"type": "data_table", "caption": "x", "rows": [[{"type": "raw_text", "text": "x"}]] * 201}
    ],
    "task card": [{"type": "task_card", "task_id": "1", "title": "t", "status": "complete"}],
    "headings in a fence": [{"type": "markdown", "text": "```\n" + "# x\n" * 60 + "```"}],
}

REFUSED: dict[str, list[Block]] = {
    "unknown block": [{"type": "sparkles"}],
    "unknown field": [{"type": "divider", "colour": "red"}],
    "no field": [{"type": "section"}],
    "long section": [{"type": "section", "text": mrkdwn("x" * 3001)}],
    "empty text": [{"type": "section", "text": mrkdwn("")}],
    "long field": [{"type": "section", "fields": [mrkdwn("x" * 2001)]}],
    "many fields": [{"type": "section", "fields": [mrkdwn("x")] * 11}],
    "long header": [{"type": "header", "text": plain("x" * 151)}],
    "mrkdwn header": [{"type": "header", "text": mrkdwn("x")}],
    "many context elements": [{"type": "context", "elements": [mrkdwn("x")] * 11}],
    "many actions": [{"type": "actions", "elements": [button(n) for n in range(26)]}],
    "no actions": [{"type": "actions", "elements": []}],
    "long button": [{"type": "actions", "elements": [button(text=plain("x" * 76))]}],
    "long value": [{"type": "actions", "elements": [button(value="x" * 2001)]}],
    "mrkdwn button": [{"type": "actions", "elements": [button(text=mrkdwn("x"))]}],
    "style": [{"type": "actions", "elements": [button(style="default")]}],
    "same action_id": [{"type": "actions", "elements": [button(1), button(1)]}],
    "same block_id": [{"type": "divider", "block_id": "a"}] * 2,
    "long block_id": [{"type": "divider", "block_id": "x" * 256}],
    "51 blocks": [{"type": "divider"}] * 51,
    "long markdown": [{"type": "markdown", "text": "x" * 12_001}],
    "long markdown together": [{"type": "markdown", "text": "x" * 6_001}] * 2,
    "many headings": [{"type": "markdown", "text": "# x\n" * 50}],
    "two tables": [table(1, 1), table(1, 1)],
    "many rows": [table(101, 1)],
    "many columns": [table(1, 21)],
    "three charts": [chart()] * 3,
    "many series": [chart(series=13)],
    "many categories": [chart(categories=21)],
    "labels that are no categories": [chart(axis_config={"categories": ["day 0", "day 9"]})],
    "a chart of another kind": [chart(type="radar")],
    "long chart title": [{**chart(), "title": "x" * 51}],
    "an empty slice": [pie(value=0)],
    "long slice": [pie(label="x" * 21)],
    "ragged data table": [
        {
            "type": "data_table",
            "caption": "x",
            "rows": [[{"type": "raw_text", "text": "x"}], [{"type": "raw_text", "text": "x"}] * 2],
        }
    ],
    "unknown rich text": [rich({"type": "script", "text": "x"})],
}


@pytest.mark.parametrize("name", TAKEN)
async def test_taken(web: AsyncWebClient, name: str) -> None:
    sent = copy.deepcopy(TAKEN[name])
    stored = (await web.chat_postMessage(channel="COPS00001", text="x", blocks=sent))["message"]["blocks"]
    assert [block["type"] for block in stored] == [block["type"] for block in sent]
    assert all(block["block_id"] for block in stored)


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(web: AsyncWebClient, name: str) -> None:
    posting = web.chat_postMessage(channel="COPS00001", text="x", blocks=REFUSED[name])
    assert await refusal(posting) == "invalid_blocks"


async def test_the_refusal_says_where_and_why(web: AsyncWebClient) -> None:
    posting = web.chat_postMessage(channel="COPS00001", text="x", blocks=REFUSED["long header"])
    response = await answer(posting)
    assert response["errors"] == ["must be at most 150 characters [json-pointer:/blocks/0/text/text]"]


async def test_blocks_can_be_too_long_together(web: AsyncWebClient) -> None:
    def sections(characters: int) -> list[Block]:
        full, rest = divmod(characters, 3000)
        return [{"type": "section", "text": mrkdwn("x" * n)} for n in [*[3000] * full, rest] if n]

    def post(characters: int) -> Any:
        return refusal(web.chat_postMessage(channel="COPS00001", text="x", blocks=sections(characters)))

    assert await post(13_200) == "ok"
    assert await post(13_201) == "msg_blocks_too_long"


def test_the_limits_are_those_of_an_independent_registry() -> None:
    pairs = {
        (limits.SECTION_TEXT, official.SECTION_TEXT_MAX_LENGTH),
        (limits.SECTION_FIELDS, official.SECTION_FIELDS_MAX_ITEMS),
        (limits.SECTION_FIELD, official.SECTION_FIELDS_ITEM_MAX_LENGTH),
        (limits.HEADER_TEXT, official.HEADER_TEXT_MAX_LENGTH),
        (limits.CONTEXT_ELEMENTS, official.CONTEXT_ELEMENTS_MAX_ITEMS),
        (limits.ACTION_ELEMENTS, official.ACTIONS_ELEMENTS_MAX_ITEMS),
        (limits.FEEDBACK_ELEMENTS, official.CONTEXT_ACTIONS_ELEMENTS_MAX_ITEMS),
        (limits.BUTTON_TEXT, official.BUTTON_TEXT_MAX_LENGTH),
        (limits.BUTTON_VALUE, official.BUTTON_VALUE_MAX_LENGTH),
        (limits.URL, official.BUTTON_URL_MAX_LENGTH),
        (limits.IDENTIFIER, official.ACTION_ID_MAX_LENGTH),
        (limits.OPTION_TEXT, official.OPTION_TEXT_MAX_LENGTH),
        (limits.OPTION_VALUE, official.OPTION_VALUE_MAX_LENGTH),
        (limits.SELECT_OPTIONS, official.SELECT_OPTIONS_MAX_ITEMS),
        (limits.OVERFLOW_OPTIONS, official.OVERFLOW_OPTIONS_MAX_ITEMS),
        (limits.CONFIRM_TEXT, official.CONFIRMATION_TEXT_MAX_LENGTH),
        (limits.MARKDOWN, official.MARKDOWN_TOTAL_TEXT_MAX_LENGTH),
        (limits.MESSAGE_BLOCKS, official.MESSAGE_BLOCKS_MAX_ITEMS),
        (limits.VIEW_BLOCKS, official.VIEW_BLOCKS_MAX_ITEMS),
        (limits.CHARTS, official.MESSAGE_DATA_VISUALIZATIONS_MAX_ITEMS),
        (limits.TABLE_ROWS, official.TABLE_ROWS_MAX_ITEMS),
        (limits.TABLE_COLUMNS, official.TABLE_COLUMNS_MAX_ITEMS),
        (limits.DATA_ROWS, official.DATA_TABLE_ROWS_MAX_ITEMS),
        (limits.DATA_CHARACTERS, official.DATA_TABLE_CONTENT_MAX_LENGTH),
        (limits.CHART_TITLE, official.DATA_VISUALIZATION_TITLE_MAX_LENGTH),
        (limits.CHART_ITEMS, official.DATA_VISUALIZATION_SERIES_MAX_ITEMS),
        (limits.CHART_POINTS, official.DATA_VISUALIZATION_CATEGORIES_MAX_ITEMS),
        (limits.CHART_LABEL, official.DATA_VISUALIZATION_SERIES_NAME_MAX_LENGTH),
        (limits.AXIS_LABEL, official.DATA_VISUALIZATION_AXIS_LABEL_MAX_LENGTH),
        (limits.PLAN_TASKS, official.PLAN_TASKS_MAX_ITEMS),
    }
    assert {pair for pair in pairs if pair[0] != pair[1]} == set()
