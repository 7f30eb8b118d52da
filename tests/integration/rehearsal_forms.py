"""Views for the tests of forms, a clock moved by hand, and an app that opens a form."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.rehearsal.slack import SlackSim
from tests.integration.rehearsal_slack import MANIFEST, bolt_app, running

Json = dict[str, Any]


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value.title()), "value": value}


def asks(action_id: str, element: Json, **more: Any) -> Json:
    """An input block named like its field."""
    named = {**element, "action_id": action_id}
    return {
        "type": "input",
        "block_id": f"{action_id}_block",
        "label": plain(action_id),
        "element": named,
        **more,
    }


PROMPT = asks("prompt", {"type": "plain_text_input", "multiline": True, "max_length": 20})
TIER = asks("tier", {"type": "static_select", "options": [option("opus"), option("haiku")]}, optional=True)
CAP = asks(
    "cap",
    {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"},
    optional=True,
)
NOTIFY = asks("notify", {"type": "checkboxes", "options": [option("start"), option("end")]}, optional=True)
PLACE = asks("place", {"type": "conversations_select", "initial_conversation": "COPS00001"}, optional=True)
HOW = asks(
    "how",
    {"type": "radio_buttons", "options": [option("fast"), option("good")], "initial_option": option("fast")},
    optional=True,
)


def modal(*blocks: Json, title: str = "New task", **more: Any) -> Json:
    return {
        "type": "modal",
        "callback_id": "new_task",
        "title": plain(title),
        "submit": plain("Queue it"),
        "blocks": list(blocks) or [PROMPT],
        **more,
    }


def home(*blocks: Json, **more: Any) -> Json:
    return {"type": "home", "blocks": list(blocks), **more}


def button(action_id: str, value: str = "1") -> Json:
    return {
        "type": "actions",
        "block_id": f"{action_id}_row",
        "elements": [{"type": "button", "action_id": action_id, "text": plain(action_id), "value": value}],
    }


def form_app(sim: SlackSim, view: Json, answer: Json | None = None) -> tuple[AsyncApp, list[Json]]:
    """An app whose global shortcut opens the view and whose submissions are answered so; what it saw."""
    app, seen = bolt_app(sim), list[Json]()

    @app.shortcut("new_task")
    async def opened(ack: Any, body: Json, client: Any) -> None:
        await ack()
        seen.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("new_task")
    async def sent(ack: Any, body: Json) -> None:
        seen.append(body)
        await ack(**(answer or {}))

    @app.view_closed("new_task")
    async def closed(ack: Any, body: Json) -> None:
        seen.append(body)
        await ack()

    return app, seen


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(name="sim")
async def moved_sim(clock: Clock) -> AsyncIterator[SlackSim]:
    simulated = SlackSim(MANIFEST, now=clock)
    async with running(simulated):
        yield simulated
