"""Forms from the shortcut to the last answer, with the real Bolt app."""

from typing import Any

import pytest

from bot.rehearsal.slack import CannotDo, SlackSim
from tests.integration.rehearsal_forms import (
    CAP,
    HOW,
    NOTIFY,
    PLACE,
    PROMPT,
    TIER,
    Json,
    button,
    form_app,
    modal,
    plain,
)
from tests.integration.rehearsal_slack import MANIFEST, bolt_app, connected, manifest_with, running, sim

__all__ = ["sim"]

FINE = {"errors": {}, "text": ""}
WHO = {"id": "UANA00001", "username": "ana", "name": "ana", "team_id": "TACME0001"}


def test_the_manifest_declares_both_shortcuts() -> None:
    declared = {(each["type"], each["callback_id"]) for each in MANIFEST["features"]["shortcuts"]}
    assert declared == {("message", "run_as_task"), ("global", "new_task")}


async def test_a_shortcut_opens_a_form_and_the_form_is_sent(sim: SlackSim) -> None:
    view = modal(PROMPT, TIER, CAP, NOTIFY, PLACE, HOW, private_metadata="kept")
    app, seen = form_app(sim, view)
    async with connected(sim, app):
        assert await sim.forms.shortcut("ana", "new_task") == ""
        await sim.wait_for(lambda _: sim.forms.modal("ana"))
        assert sim.forms.modal("sam") is None
        values = {"prompt": "look", "tier": "opus", "cap": "3", "notify": ["start", "end"], "how": "good"}
        assert await sim.forms.submit("ana", values) == FINE

    opened, sent = seen
    assert (opened["type"], opened["callback_id"], opened["user"]) == ("shortcut", "new_task", WHO)
    assert {"action_ts", "team", "token", "trigger_id"} <= opened.keys()
    assert (sent["type"], sent["user"], sent["api_app_id"]) == ("view_submission", WHO, "AAPP00001")
    assert (sent["view"]["private_metadata"], sent["view"]["callback_id"]) == ("kept", "new_task")
    assert {"id", "hash", "root_view_id", "previous_view_id", "team_id", "bot_id"} <= sent["view"].keys()
    chosen = {"text": plain("Opus"), "value": "opus"}
    both = [{"text": plain("Start"), "value": "start"}, {"text": plain("End"), "value": "end"}]
    good = {"text": plain("Good"), "value": "good"}
    assert sent["view"]["state"]["values"] == {
        "prompt_block": {"prompt": {"type": "plain_text_input", "value": "look"}},
        "tier_block": {"tier": {"type": "static_select", "selected_option": chosen}},
        "cap_block": {"cap": {"type": "number_input", "value": "3"}},
        "notify_block": {"notify": {"type": "checkboxes", "selected_options": both}},
        "place_block": {"place": {"type": "conversations_select", "selected_conversation": "COPS00001"}},
        "how_block": {"how": {"type": "radio_buttons", "selected_option": good}},
    }
    assert sim.forms.modal("ana") is None


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "Fill in prompt"),
        ({"prompt": "x" * 21}, "at most 20"),
        ({"prompt": "x", "tier": "gpt"}, "There are opus, haiku"),
        ({"prompt": "x", "cap": "many"}, "a number"),
        ({"prompt": "x", "cap": "1.5"}, "whole number"),
        ({"prompt": "x", "cap": "10"}, "up to 9"),
        ({"prompt": "x", "cap": "0"}, "from 1 on"),
        ({"prompt": "x", "colour": "red"}, "no field colour"),
    ],
)
async def test_slack_itself_holds_back_what_does_not_fit(sim: SlackSim, values: Json, why: str) -> None:
    app, seen = form_app(sim, modal(PROMPT, TIER, CAP))
    async with connected(sim, app):
        await opened(sim)
        with pytest.raises(CannotDo, match=why):
            await sim.forms.submit("ana", values)
    assert [body["type"] for body in seen] == ["shortcut"]
    assert sim.forms.modal("ana") is not None


async def test_errors_stand_at_their_fields_and_keep_the_form_open(sim: SlackSim) -> None:
    wrong = {"response_action": "errors", "errors": {"prompt_block": "Say what to do."}}
    app, _ = form_app(sim, modal(), wrong)
    async with connected(sim, app):
        await opened(sim)
        said = await sim.forms.submit("ana", {"prompt": "hm"})
    assert said == {"errors": {"prompt_block": "Say what to do."}, "text": ""}
    kept = sim.forms.modal("ana")
    assert kept is not None
    assert kept["state"]["values"]["prompt_block"]["prompt"]["value"] == "hm"


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "vanish"},
    ],
)
async def test_an_answer_slack_cannot_use_is_trouble(sim: SlackSim, answer: Json) -> None:
    app, _ = form_app(sim, modal(), answer)
    async with connected(sim, app):
        await opened(sim)
        said = await sim.forms.submit("ana", {"prompt": "x"})
    assert "invalid_response" in said["text"]
    assert sim.forms.modal("ana") is not None


async def test_a_form_can_be_replaced_and_what_was_filled_in_stays(sim: SlackSim) -> None:
    app, _ = form_app(sim, modal(), {"response_action": "update", "view": modal(PROMPT, TIER, title="Sure?")})
    async with connected(sim, app):
        await opened(sim)
        before = sim.forms.modal("ana")
        assert await sim.forms.submit("ana", {"prompt": "x"}) == FINE
    after = sim.forms.modal("ana")
    assert before is not None
    assert after is not None
    assert (after["id"], after["title"]["text"]) == (before["id"], "Sure?")
    assert after["hash"] != before["hash"]
    assert after["state"]["values"]["prompt_block"]["prompt"]["value"] == "x"


async def test_forms_stack_three_high_and_close_from_the_top(sim: SlackSim) -> None:
    told = modal(notify_on_close=True)
    app, seen = form_app(sim, told, {"response_action": "push", "view": told})
    async with connected(sim, app):
        await opened(sim)
        for _ in range(2):
            assert await sim.forms.submit("ana", {"prompt": "x"}) == FINE
        assert "push_limit_reached" in (await sim.forms.submit("ana", {"prompt": "x"}))["text"]
        bottom, middle, top = sim.state.modals["UANA00001"]
        assert (top["previous_view_id"], top["root_view_id"]) == (middle["id"], bottom["id"])
        await sim.forms.close("ana")
        assert sim.forms.modal("ana") == middle
        await sim.forms.close("ana", all_of_them=True)
    assert sim.forms.modal("ana") is None
    gone = [body for body in seen if body["type"] == "view_closed"]
    assert [(body["view"]["id"], body["is_cleared"]) for body in gone] == [
        (top["id"], False),
        (middle["id"], True),
        (bottom["id"], True),
    ]


async def test_clear_closes_everything(sim: SlackSim) -> None:
    app, _ = form_app(sim, modal(), {"response_action": "clear"})
    async with connected(sim, app):
        await opened(sim)
        assert await sim.forms.submit("ana", {"prompt": "x"}) == FINE
    assert sim.forms.modal("ana") is None


async def test_closing_is_told_only_where_the_view_asked_for_it(sim: SlackSim) -> None:
    app, seen = form_app(sim, modal())
    async with connected(sim, app):
        await opened(sim)
        await sim.forms.close("ana")
    assert [body["type"] for body in seen] == ["shortcut"]


async def test_a_form_nobody_answers_stays_open_and_says_so() -> None:
    sim = SlackSim(MANIFEST, ack_seconds=0.3)
    async with running(sim):
        app = bolt_app(sim)

        @app.shortcut("new_task")
        async def open_it(ack: Any, body: Json, client: Any) -> None:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=modal())

        async with connected(sim, app):
            await opened(sim)
            assert "operation_timeout" in (await sim.forms.submit("ana", {"prompt": "x"}))["text"]
        assert "dispatch_failed" in (await sim.forms.submit("ana", {"prompt": "x"}))["text"]
        assert sim.forms.modal("ana") is not None


async def test_a_message_shortcut_carries_the_message(sim: SlackSim) -> None:
    app, seen = bolt_app(sim), list[Json]()

    @app.shortcut("run_as_task")
    async def run(ack: Any, body: Json, respond: Any) -> None:
        await ack()
        seen.append(body)
        await respond("Queued as #1")

    async with connected(sim, app):
        root = await sim.say("sam", "random", "the stall is back")
        reply = await sim.say("sam", "random", "since 9:00", thread_ts=root)
        assert await sim.forms.message_shortcut("ana", "random", reply, "run_as_task") == ""
        await sim.wait_for(lambda _: sim.ephemerals("ana"))
    body = seen[0]
    assert (body["type"], body["callback_id"], body["message_ts"]) == ("message_action", "run_as_task", reply)
    assert (body["message"]["text"], body["message"]["thread_ts"]) == ("since 9:00", root)
    assert (body["message"]["user"], body["user"]) == ("USAM00001", WHO)
    assert body["channel"] == {"id": "CRAN00001", "name": "random"}
    assert {"action_ts", "response_url", "team", "token", "trigger_id"} <= body.keys()
    assert [m.text for m in sim.ephemerals("ana")] == ["Queued as #1"]


async def test_shortcuts_are_those_of_the_manifest(sim: SlackSim) -> None:
    ts = await sim.say("ana", "ops", "hello")
    with pytest.raises(CannotDo, match="no global shortcut run_as_task"):
        await sim.forms.shortcut("ana", "run_as_task")
    with pytest.raises(CannotDo, match="no message shortcut new_task"):
        await sim.forms.message_shortcut("ana", "ops", ts, "new_task")
    bare = SlackSim(manifest_with(drop=("commands",)))
    with pytest.raises(CannotDo, match="no global shortcut"):
        await bare.forms.shortcut("ana", "new_task")
    assert "dispatch_failed" in await sim.forms.shortcut("ana", "new_task")


async def test_a_press_in_a_form_carries_the_view(sim: SlackSim) -> None:
    loud = {**TIER, "dispatch_action": True}
    app, seen = form_app(sim, modal(PROMPT, loud, button("more", "7")))

    @app.action("more")
    @app.action("tier")
    async def pressed(ack: Any, body: Json) -> None:
        await ack()
        seen.append(body)

    async with connected(sim, app):
        await opened(sim)
        assert await sim.forms.press_modal("ana", "more") == ""
        assert await sim.forms.press_modal("ana", "tier", "haiku") == ""
        with pytest.raises(CannotDo, match="no control prompt"):
            await sim.forms.press_modal("ana", "prompt", "x")
    _, more, tier = seen
    view = sim.forms.modal("ana")
    assert view is not None
    assert (more["type"], more["container"]) == ("block_actions", {"type": "view", "view_id": view["id"]})
    assert (more["actions"][0]["value"], more["actions"][0]["block_id"]) == ("7", "more_row")
    assert tier["actions"][0]["selected_option"]["value"] == "haiku"
    assert tier["view"]["state"]["values"]["tier_block"]["tier"]["selected_option"]["value"] == "haiku"
    assert not {"channel", "message", "response_url"} & more.keys()


async def opened(sim: SlackSim) -> None:
    await sim.forms.shortcut("ana", "new_task")
    await sim.wait_for(lambda _: sim.forms.modal("ana"))
