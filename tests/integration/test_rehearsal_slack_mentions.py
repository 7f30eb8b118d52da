"""The mention ledger: who the app's messages would really have pinged."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.slack import SlackSim
from tests.integration.rehearsal_slack import sim, web

__all__ = ["sim", "web"]

OPS = "COPS00001"


def pinged(sim: SlackSim) -> list[tuple[str, str]]:
    return [(ping.kind, ping.target) for ping in sim.pings]


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


LIVE: dict[str, dict[str, Any]] = {
    "text": {"text": "hi <@UANA00001>"},
    "labelled": {"text": "hi <@UANA00001|ana>"},
    "mrkdwn": {
        "text": "x",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<@UANA00001>"}}],
    },
    "field": {
        "text": "x",
        "blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "<@UANA00001>"}]}],
    },
    "context": {
        "text": "x",
        "blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "<@UANA00001>"}]}],
    },
    "markdown": {"text": "x", "blocks": [{"type": "markdown", "text": "hi <@UANA00001>"}]},
    "markdown_text": {"markdown_text": "hi <@UANA00001>"},
    "rich text": {"text": "x", "blocks": [rich({"type": "user", "user_id": "UANA00001"})]},
    "in a table": {
        "text": "x",
        "blocks": [{"type": "table", "rows": [[rich({"type": "user", "user_id": "UANA00001"})]]}],
    },
    "several times": {"text": "<@UANA00001>", "blocks": [{"type": "markdown", "text": "<@UANA00001>" * 3}]},
}

DEAD: dict[str, dict[str, Any]] = {
    "escaped": {"text": "&lt;@UANA00001&gt; &lt;!channel&gt;"},
    "zero width": {"text": "<\u200b@UANA00001> <\u200b!channel>"},
    "bare": {"text": "@channel @here @ana", "parse": "none"},
    "plain text": {
        "text": "x",
        "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "<!channel>"}}],
    },
    "rich text": {"text": "x", "blocks": [rich({"type": "text", "text": "<!channel> <@UANA00001>"})]},
    "raw text": {
        "text": "x",
        "blocks": [{"type": "table", "rows": [[{"type": "raw_text", "text": "<!here>"}]]}],
    },
    "nobody": {"text": "<@UNOBODY01>"},
    "itself": {"text": "<@UBOT00001>"},
    "an address": {"text": "mail ops@here.example", "link_names": True},
}


@pytest.mark.parametrize("name", LIVE)
async def test_a_live_mention_is_booked_once(sim: SlackSim, web: AsyncWebClient, name: str) -> None:
    posted = await web.api_call("chat.postMessage", json={"channel": OPS, **LIVE[name]})
    assert pinged(sim) == [("user", "UANA00001")]
    assert (sim.pings[0].channel, sim.pings[0].ts) == (OPS, posted["ts"])


@pytest.mark.parametrize("name", DEAD)
async def test_a_dead_mention_is_not(sim: SlackSim, web: AsyncWebClient, name: str) -> None:
    await web.api_call("chat.postMessage", json={"channel": OPS, **DEAD[name]})
    assert pinged(sim) == []


async def test_broadcasts_and_groups(sim: SlackSim, web: AsyncWebClient) -> None:
    await web.chat_postMessage(
        channel=OPS, text="<!channel> <!here|here> <!everyone> <!subteam^S123|@oncall>"
    )
    await web.chat_postMessage(channel=OPS, text="x", blocks=[rich({"type": "broadcast", "range": "here"})])
    await web.chat_postMessage(channel=OPS, text="@channel", parse="full")
    await web.chat_postMessage(channel=OPS, text="@here", link_names=True)
    assert pinged(sim) == [
        ("channel", "channel"),
        ("here", "here"),
        ("everyone", "everyone"),
        ("usergroup", "S123"),
        ("here", "here"),
        ("channel", "channel"),
        ("here", "here"),
    ]


async def test_an_update_books_only_who_is_new(sim: SlackSim, web: AsyncWebClient) -> None:
    card = await web.chat_postMessage(channel=OPS, text="<@UANA00001>")
    for text in ("<@UANA00001> again", "<@UANA00001> and <@USAM00001>"):
        await web.chat_update(channel=OPS, ts=card["ts"], text=text)
    assert pinged(sim) == [("user", "UANA00001"), ("user", "USAM00001")]


async def test_an_update_reads_bare_names_unless_told_not_to(sim: SlackSim, web: AsyncWebClient) -> None:
    card = await web.chat_postMessage(channel=OPS, text="x")
    await web.chat_update(channel=OPS, ts=card["ts"], text="@here", parse="none")
    assert pinged(sim) == []
    await web.chat_update(channel=OPS, ts=card["ts"], text="@here")
    assert pinged(sim) == [("here", "here")]


async def test_people_and_whispers_are_not_in_the_ledger(sim: SlackSim, web: AsyncWebClient) -> None:
    await sim.say("ana", "ops", "@channel look, @sam")
    await web.chat_postEphemeral(channel=OPS, user="UANA00001", text="<@USAM00001>")
    assert sim.messages("ops")[0].text == "<!channel> look, <@USAM00001>"
    assert pinged(sim) == []
