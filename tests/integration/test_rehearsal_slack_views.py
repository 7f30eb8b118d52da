"""What the simulated Slack takes as a view, and what it refuses: modals and the Home tab."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slackblocks import _limits as official

from bot.rehearsal.slack import CannotDo, SlackSim, limits
from tests.integration.rehearsal_forms import (
    HOW,
    PROMPT,
    TIER,
    Clock,
    Json,
    asks,
    button,
    clock,
    home,
    modal,
    moved_sim,
    option,
    plain,
)
from tests.integration.rehearsal_slack import (
    MANIFEST,
    answer,
    bolt_app,
    connected,
    manifest_with,
    refusal,
    running,
    web,
)

__all__ = ["clock", "moved_sim", "web"]

ANA = "UANA00001"


async def trigger(sim: SlackSim) -> str:
    """A fresh trigger id of ana's; the command itself reaches nobody."""
    await sim.slash("ana", "ops", "x")
    found: str = sim.state.envelopes[-1].payload["trigger_id"]
    return found


async def test_a_trigger_is_good_once_and_for_three_seconds(
    sim: SlackSim, web: AsyncWebClient, clock: Clock
) -> None:
    first = await trigger(sim)
    late = await trigger(sim)
    clock.move(3)
    assert await refusal(web.views_open(trigger_id=first, view=modal())) == "ok"
    assert await refusal(web.views_open(trigger_id=first, view=modal())) == "exchanged_trigger_id"
    clock.move(0.1)
    assert await refusal(web.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"
    assert await refusal(web.views_open(trigger_id="1.1.abc", view=modal())) == "expired_trigger_id"
    assert await refusal(web.views_open(trigger_id="hello", view=modal())) == "invalid_trigger_id"


async def test_views_are_pushed_three_high(sim: SlackSim, web: AsyncWebClient) -> None:
    assert await refusal(web.views_push(trigger_id=await trigger(sim), view=modal())) == "not_found"
    await web.views_open(trigger_id=await trigger(sim), view=modal())
    for said in ("ok", "ok", "push_limit_reached"):
        assert await refusal(web.views_push(trigger_id=await trigger(sim), view=modal())) == said
    await web.views_open(trigger_id=await trigger(sim), view=modal(title="Anew"))
    assert [view["title"]["text"] for view in sim.state.modals[ANA]] == ["Anew"]


async def test_an_open_view_is_updated_by_its_id_or_ours(sim: SlackSim, web: AsyncWebClient) -> None:
    view = modal(external_id="form-1")
    opened = (await web.views_open(trigger_id=await trigger(sim), view=view))["view"]
    by_id = await web.views_update(view_id=opened["id"], hash=opened["hash"], view=modal(title="Two"))
    assert (by_id["view"]["id"], by_id["view"]["title"]["text"]) == (opened["id"], "Two")
    stale = web.views_update(view_id=opened["id"], hash=opened["hash"], view=modal())
    assert await refusal(stale) == "hash_conflict"
    assert await refusal(web.views_update(external_id="form-1", view=modal())) == "not_found"
    await web.views_update(view_id=opened["id"], view=view)
    assert await refusal(web.views_update(external_id="form-1", view=view)) == "ok"
    again = web.views_push(trigger_id=await trigger(sim), view=view)
    assert await refusal(again) == "duplicate_external_id"
    await sim.forms.close("ana")
    assert await refusal(web.views_update(view_id=opened["id"], view=view)) == "not_found"
    assert await refusal(web.api_call("views.update", json={"view": view})) == "invalid_arguments"


TAKEN = {
    "100 blocks": modal(*[{"type": "divider"}] * 100),
    "title of 24": modal(title="x" * 24),
    "metadata of 3,000": modal(private_metadata="x" * 3_000),
    "radio buttons at their limit": modal(
        asks("how", {"type": "radio_buttons", "options": [option(str(n)) for n in range(10)]})
    ),
    "no submit where nothing is asked": {
        "type": "modal",
        "title": plain("Look"),
        "blocks": [{"type": "divider"}],
    },
    "menus in a row": modal({"type": "actions", "elements": [TIER["element"], HOW["element"]]}),
}
REFUSED = {
    "101 blocks": modal(*[{"type": "divider"}] * 101),
    "title of 25": modal(title="x" * 25),
    "no title": {"type": "modal", "blocks": []},
    "mrkdwn title": {**modal(), "title": {"type": "mrkdwn", "text": "x"}},
    "metadata of 3,001": modal(private_metadata="x" * 3_001),
    "no submit where something is asked": {name: v for name, v in modal().items() if name != "submit"},
    "home opened as a form": home(),
    "unknown field": modal(colour="red"),
    "markdown, which is for messages": modal({"type": "markdown", "text": "x"}),
    "a table, which is for messages": modal({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}),
    "input without label": modal({"type": "input", "element": PROMPT["element"]}),
    "unknown input": modal(asks("when", {"type": "sundial"})),
    "11 radio buttons": modal(
        asks("how", {"type": "radio_buttons", "options": [option(str(n)) for n in range(11)]})
    ),
    "a bound that is no number": modal(
        asks("n", {"type": "number_input", "is_decimal_allowed": False, "min_value": "few"})
    ),
    "same block twice": modal(PROMPT, PROMPT),
}


@pytest.mark.parametrize("name", TAKEN)
async def test_taken(sim: SlackSim, web: AsyncWebClient, name: str) -> None:
    stored = (await web.views_open(trigger_id=await trigger(sim), view=TAKEN[name]))["view"]
    assert len(stored["blocks"]) == len(TAKEN[name]["blocks"])
    assert all(block["block_id"] for block in stored["blocks"])


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(sim: SlackSim, web: AsyncWebClient, name: str) -> None:
    refused = await answer(web.views_open(trigger_id=await trigger(sim), view=REFUSED[name]))
    assert refused["error"] == "invalid_arguments"
    assert "json-pointer:/" in refused["response_metadata"]["messages"][0]
    assert sim.forms.modal("ana") is None


async def test_a_view_may_be_too_large(sim: SlackSim, web: AsyncWebClient) -> None:
    text = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_000}}
    large = web.views_open(trigger_id=await trigger(sim), view=modal(*[text] * 84))
    assert await refusal(large) == "view_too_large"


def test_the_limits_of_views_are_those_of_an_independent_registry() -> None:
    assert (limits.VIEW_TITLE, limits.VIEW_METADATA) == (
        official.VIEW_TITLE_MAX_LENGTH,
        official.VIEW_PRIVATE_METADATA_MAX_LENGTH,
    )
    assert (limits.CHOICES, limits.INPUT_LABEL, limits.INPUT_TEXT) == (
        official.RADIO_BUTTONS_OPTIONS_MAX_ITEMS,
        official.INPUT_LABEL_MAX_LENGTH,
        official.PLAIN_TEXT_INPUT_MAX_LENGTH_MAX,
    )


async def test_the_home_tab_is_kept_for_each_person(sim: SlackSim, web: AsyncWebClient) -> None:
    first = (await web.views_publish(user_id=ANA, view=home(button("refresh"))))["view"]
    second = await web.views_publish(user_id=ANA, hash=first["hash"], view=home())
    assert (second["view"]["id"], second["view"]["hash"] != first["hash"]) == (first["id"], True)
    stale = web.views_publish(user_id=ANA, hash=first["hash"], view=home())
    assert await refusal(stale) == "hash_conflict"
    assert await refusal(web.views_publish(user_id="USAM00001", hash="x", view=home())) == "hash_conflict"
    assert await refusal(web.views_publish(user_id="UNOBODY", view=home())) == "user_not_found"
    assert await refusal(web.views_publish(user_id=ANA, view=modal())) == "invalid_arguments"
    assert sim.forms.home("ana") == second["view"]
    assert sim.forms.home("sam") is None


async def test_publishing_has_its_limit_by_the_minute(clock: Clock) -> None:
    sim = SlackSim(MANIFEST, now=clock, rate_limits=True)
    async with running(sim) as web:
        said = [await refusal(web.views_publish(user_id=ANA, view=home())) for _ in range(101)]
    assert said == ["ok"] * 100 + ["ratelimited"]


async def test_opening_the_app_says_which_tab(sim: SlackSim, web: AsyncWebClient) -> None:
    app, seen = bolt_app(sim), list[Json]()

    @app.event("app_home_opened")
    async def opened(event: Json) -> None:
        seen.append(event)

    async with connected(sim, app):
        assert await sim.open_home("ana") is None
        await sim.open_home("ana", "messages")
        await web.views_publish(user_id=ANA, view=home(button("refresh")))
        assert await sim.open_home("ana") == sim.forms.home("ana")
        await sim.wait_for(lambda _: len(seen) == 3)
    dm = sim.dm("ana")
    assert [(e["tab"], e["user"], e["channel"]) for e in seen] == [
        ("home", ANA, dm),
        ("messages", ANA, dm),
        ("home", ANA, dm),
    ]
    assert ["view" in event for event in seen] == [False, False, True]


async def test_tabs_are_those_of_the_manifest() -> None:
    manifest: Any = manifest_with()
    manifest["features"]["app_home"] = {}
    sim = SlackSim(manifest)
    for tab in ("home", "messages"):
        with pytest.raises(CannotDo, match="off in the manifest"):
            await sim.open_home("ana", tab)
    async with running(sim) as web:
        assert await refusal(web.views_publish(user_id=ANA, view=home())) == "not_enabled"
    silent = SlackSim(manifest_with(events=("app_mention",)))
    await silent.open_home("ana")
    assert silent.state.envelopes == []


async def test_a_press_on_the_home_tab_carries_the_view(sim: SlackSim, web: AsyncWebClient) -> None:
    app, seen = bolt_app(sim), list[Json]()

    @app.action("refresh")
    async def refresh(ack: Any, body: Json, client: Any) -> None:
        await ack()
        seen.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    with pytest.raises(CannotDo, match="shows nothing yet"):
        await sim.forms.press_home("ana", "refresh")
    await web.views_publish(user_id=ANA, view=home(button("refresh", "all"), private_metadata="p"))
    async with connected(sim, app):
        assert await sim.forms.press_home("ana", "refresh") == ""
        await sim.wait_for(lambda _: sim.forms.modal("ana"))
        with pytest.raises(CannotDo, match="no control"):
            await sim.forms.press_home("ana", "refresh", "some")
    view = sim.forms.home("ana")
    assert view is not None
    assert seen[0]["container"] == {"type": "view", "view_id": view["id"]}
    assert (seen[0]["view"]["type"], seen[0]["view"]["private_metadata"]) == ("home", "p")
    assert seen[0]["actions"][0]["value"] == "all"


@pytest.mark.parametrize(
    "method",
    [
        "views.open",
        "views.push",
        "views.update",
        "views.publish",
        "chat.startStream",
        "chat.appendStream",
        "chat.stopStream",
        "agents.sessions.setStatus",
        "agents.sessions.rename",
        "usergroups.users.list",
        "files.info",
    ],
)
async def test_every_method_can_fail_on_order(sim: SlackSim, web: AsyncWebClient, method: str) -> None:
    sim.fault(method, "error", error="fatal_error")
    assert await refusal(web.api_call(method, json={})) == "fatal_error"
    assert await refusal(web.api_call(method, json={})) in ("invalid_arguments", "missing_scope")
