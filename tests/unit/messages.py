"""Tasks and attempts to show, and what Slack makes of a message that shows them."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from slackblocks import _limits as slack

from bot.rehearsal.slack.mentions import pinged
from bot.rehearsal.slack.state import User
from bot.views.message import Message
from dispatch.faults import Fault, FaultKind
from dispatch.states import State
from dispatch.task import Attempt, Task, Verdict
from tests.fakes.values import NOON, make_task

ANA = "UANA00001"
LATER = NOON + timedelta(minutes=7, seconds=12)
EVIL = "<!channel> <@UEVE00001|x> @everyone <!subteam^S1> <\\!here> *_~`> @here"

strangers = st.text(max_size=400) | st.lists(
    st.sampled_from([EVIL, "<!", "@", "channel", "<@U", "here", "|", ">", "&", "`", "\n", "```", "p", " "]),
    max_size=60,
).map("".join)


def make_attempt(number: int = 1, **changes: Any) -> Attempt:
    attempt = Attempt(
        task_id=42,
        number=number,
        model="claude-opus-5-5",
        started_at=NOON,
        ended_at=LATER,
        verdict=Verdict.ANSWERED,
        fault=None,
        ran_model="claude-opus-5-5",
        text="It was the **pool**.",
        progress="",
        cost_micro_usd=930_000,
        unpriced=0,
        prompt_tokens=84_000,
        output_tokens=6_100,
    )
    return replace(attempt, **changes)


def running(**changes: Any) -> Attempt:
    return make_attempt(ended_at=None, verdict=None, ran_model=None, text="", **changes)


def failed(kind: FaultKind, text: str = "", detail: str = "", **changes: Any) -> Attempt:
    return make_attempt(verdict=Verdict.FAILED, fault=Fault(kind, detail), text=text, **changes)


def task(state: State = State.DONE, **changes: Any) -> Task:
    return make_task(42, 3, **{"state": state, "cost_micro_usd": 930_000, **changes})


def said(message: Message) -> str:
    """All the words of a message's blocks as Slack shows them."""
    return "\n".join(_words(list(message.blocks))).replace("&gt;", ">").replace("&lt;", "<")


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [word for inner in value.values() for word in _words(inner)]
    if isinstance(value, list | tuple):
        return [word for inner in value for word in _words(inner)]
    return []


def fits(message: Message) -> None:
    """Holds a message against Slack's own limits."""
    assert 0 < len(message.text) <= 4_000
    assert len(message.blocks) <= slack.MESSAGE_BLOCKS_MAX_ITEMS
    assert len("".join(_words(list(message.blocks)))) <= 13_200
    for block in message.blocks:
        match block["type"]:
            case "section":
                assert 1 <= len(block["text"]["text"]) <= slack.SECTION_TEXT_MAX_LENGTH
            case "context":
                assert len(block["elements"]) <= slack.CONTEXT_ELEMENTS_MAX_ITEMS
                assert all(1 <= len(e["text"]) <= slack.TEXT_MAX_LENGTH for e in block["elements"])
            case "actions":
                assert 1 <= len(block["elements"]) <= slack.ACTIONS_ELEMENTS_MAX_ITEMS
                for pressed in block["elements"]:
                    assert len(pressed["text"]["text"]) <= slack.BUTTON_TEXT_MAX_LENGTH
                    assert len(pressed["value"]) <= slack.BUTTON_VALUE_MAX_LENGTH
            case "markdown":
                assert 1 <= len(block["text"]) <= slack.MARKDOWN_TEXT_MAX_LENGTH
            case "context_actions":
                (thumbs,) = block["elements"]
                for side in ("positive_button", "negative_button"):
                    assert 1 <= len(thumbs[side]["text"]["text"]) <= slack.BUTTON_TEXT_MAX_LENGTH
            case other:
                pytest.fail(f"a block nobody expects: {other}")


def pings(message: Message) -> list[str]:
    people = {name: User(name, name, name, "Etc/UTC") for name in (ANA, "UEVE00001")}
    blocks = json.loads(json.dumps(list(message.blocks)))
    return [target for _, target in pinged(message.text, blocks, people, bare_names=True)]
