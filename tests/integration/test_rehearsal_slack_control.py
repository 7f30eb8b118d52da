"""The control API: what the page reads and does, and who may not."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.rehearsal.slack import SlackSim
from tests.integration.rehearsal_forms import button, form_app, home, modal
from tests.integration.rehearsal_slack import bolt_app, connected, sim

__all__ = ["sim"]


@pytest.fixture
async def http(sim: SlackSim) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sim.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, what: str, **body: Any) -> tuple[int, dict[str, Any]]:
    async with http.post(f"/_sim/{what}", json=body) as answer:
        return answer.status, await answer.json()


async def state(http: aiohttp.ClientSession, who: str) -> dict[str, Any]:
    async with http.get("/_sim/state", params={"as": who}) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def test_the_state_holds_what_a_person_sees(sim: SlackSim, http: aiohttp.ClientSession) -> None:
    app = bolt_app(sim)

    @app.command("/task")
    async def task(ack: Any) -> None:
        await ack("only for you")

    async with connected(sim, app):
        assert await post(http, "slash", **{"as": "ana"}, channel="ops", text="p3 x") == (
            200,
            {"text": "only for you"},
        )
        _, said = await post(http, "say", **{"as": "ana"}, channel="ops", text="hello")
        await post(http, "react", **{"as": "sam"}, channel="ops", ts=said["ts"], name="eyes")
        await post(http, "edit", **{"as": "ana"}, channel="ops", ts=said["ts"], text="hello again")
        seen = await state(http, "ana")

    assert set(seen) >= {"version", "team", "me", "bot", "users", "channels", "messages", "home", "status"}
    assert set(seen) >= {"calls", "envelopes", "pings", "sockets"}
    assert (seen["me"], seen["bot"], seen["sockets"]) == ("UANA00001", "UBOT00001", 1)
    assert [c["name"] for c in seen["channels"]] == ["ops", "payments", "random", "secret"]
    whisper, hello = seen["messages"]["COPS00001"]
    assert (whisper["text"], whisper["ephemeral_to"]) == ("only for you", "UANA00001")
    assert hello["reactions"] == [{"name": "eyes", "users": ["USAM00001"]}]
    assert (hello["text"], hello["edited"]) == ("hello again", True)
    assert seen["envelopes"][0]["state"] == "acked"
    assert seen["calls"][0]["method"] == "apps.connections.open"

    kims = await state(http, "kim")
    assert [m["text"] for m in kims["messages"]["COPS00001"]] == ["hello again"]
    assert "secret" not in [c["name"] for c in kims["channels"]]
    secrets = (sim.bot_token, sim.app_token, sim.signing_secret)
    assert not any(secret in str(seen) for secret in secrets)


async def test_direct_messages_are_seen_by_their_person(sim: SlackSim, http: aiohttp.ClientSession) -> None:
    _, opened = await post(http, "dm", **{"as": "sam"})
    await post(http, "say", **{"as": "sam"}, channel=opened["channel"], text="p5 hello")
    assert opened["channel"] in (await state(http, "sam"))["messages"]
    assert opened["channel"] not in (await state(http, "ana"))["messages"]


async def test_a_change_is_announced(sim: SlackSim, http: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(5), http.get("/_sim/events") as stream:
        assert stream.content_type == "text/event-stream"
        assert await stream.content.readuntil(b"\n\n") == b'event: change\ndata: {"version": 0}\n\n'
        await sim.say("ana", "ops", "hello")
        news = await stream.content.readuntil(b"\n\n")
    assert news.decode() == f'event: change\ndata: {{"version": {sim.state.version}}}\n\n'


async def test_failures_can_be_ordered(sim: SlackSim, http: aiohttp.ClientSession) -> None:
    assert (await post(http, "fault", method="auth.test", kind="error", times=1, error="boom"))[0] == 200
    async with http.get("/api/auth.test") as answer:
        assert (await answer.json())["error"] == "boom"
    assert (await post(http, "socket", do="fail_open"))[0] == 200
    headers = {"Authorization": f"Bearer {sim.app_token}"}
    async with http.post("/api/apps.connections.open", headers=headers) as answer:
        assert (await answer.json())["ok"] is False


async def test_what_cannot_be_done_says_what_to_do(http: aiohttp.ClientSession) -> None:
    assert await post(http, "say", channel="ops", text="x") == (400, {"error": "Add the field 'as'."})
    status, said = await post(http, "say", **{"as": "zoe"}, channel="ops", text="x")
    assert (status, said["error"]) == (400, "Nobody here is called zoe. There are ana, sam, kim.")
    status, said = await post(http, "socket", do="dance")
    assert (status, said["error"].startswith("do is one of")) == (400, True)
    async with http.post("/_sim/say", data=b"not json") as answer:
        assert answer.status == 400


async def test_a_file_is_downloaded_and_never_opened(sim: SlackSim, http: aiohttp.ClientSession) -> None:
    await sim.say("ana", "ops", "look", files=[("page.html", b"<script>1</script>"), ("dot.png", b"\x89PNG")])
    files = (await state(http, "ana"))["messages"]["COPS00001"][0]["files"]
    async with http.get(files[0]["url"]) as page:
        assert await page.read() == b"<script>1</script>"
        assert page.headers["Content-Disposition"] == "attachment"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
    async with http.get(files[1]["url"]) as picture:
        assert "Content-Disposition" not in picture.headers
        assert picture.content_type == "image/png"


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": "127.0.0.1:1"}])
async def test_another_host_is_refused(http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    async with http.get("/_sim/state", headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("path", ["/_sim/say", "/api/chat.postMessage"])
async def test_another_page_is_refused(sim: SlackSim, http: aiohttp.ClientSession, path: str) -> None:
    body = {"as": "ana", "channel": "ops", "text": "x"}
    for origin, status in (("https://evil.example", 403), ("null", 403), (sim.url, 200)):
        async with http.post(path, json=body, headers={"Origin": origin}) as answer:
            assert answer.status == status
    local = sim.url.replace("127.0.0.1", "localhost")
    host = {"Host": local.removeprefix("http://"), "Origin": local}
    async with http.post(path, json=body, headers=host) as answer:
        assert answer.status == 200


async def test_forms_home_shortcuts_and_stop_from_the_page(
    sim: SlackSim, http: aiohttp.ClientSession
) -> None:
    app, view = form_app(sim, modal(notify_on_close=True))[0], home(button("refresh"))
    pressed: list[str] = []

    @app.shortcut("run_as_task")
    @app.action("refresh")
    async def seen(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        pressed.append(body["type"])

    ana = {"as": "ana"}
    async with connected(sim, app):
        await app.client.views_publish(user_id="UANA00001", view=view)
        _, opened = await post(http, "home", **ana)
        assert opened["view"]["blocks"][0]["block_id"] == "refresh_row"
        assert await post(http, "home", **ana, tab="messages") == (200, {"view": None})
        press = {"where": "home", "action_id": "refresh"}
        assert await post(http, "press", **ana, **press) == (200, {"text": ""})
        assert await post(http, "shortcut", **ana, callback_id="new_task") == (200, {"text": ""})
        await sim.wait_for(lambda _: sim.forms.modal("ana"))
        page = await state(http, "ana")
        assert (page["modal"]["view"]["callback_id"], page["modal"]["depth"]) == ("new_task", 1)
        assert page["home"]["type"] == "home"
        sams = await state(http, "sam")
        assert (sams["modal"], sams["home"]) == (None, None)
        assert await post(http, "submit", **ana, values={}) == (400, {"error": "Fill in prompt."})
        assert (await post(http, "close", **ana))[0] == 200
        assert await post(http, "close", **ana) == (400, {"error": "ana has no form open."})

        _, said = await post(http, "say", **ana, channel="ops", text="x")
        where = {"channel": "ops", "ts": said["ts"], "callback_id": "run_as_task"}
        assert await post(http, "shortcut", **ana, **where) == (200, {"text": ""})
        thread = {"channel_id": "COPS00001", "thread_ts": said["ts"]}
        await app.client.agents_sessions_setStatus(**thread, status="processing", title="Reading")
        sessions = (await state(http, "ana"))["sessions"]
        assert sessions == {
            f"COPS00001:{said['ts']}": {"status": "processing", "title": "Reading", "stoppable": True}
        }
        stop = {"channel": "ops", "thread_ts": said["ts"]}
        assert (await post(http, "stop", **ana, **stop))[0] == 200
    assert pressed == ["block_actions", "message_action"]
    assert sim.state.envelopes[-1].payload["event"]["type"] == "agent_session_stopped"
    declared = [(each["kind"], each["name"]) for each in page["shortcuts"]]
    assert declared == [("message", "Run as task"), ("global", "New task")]


async def test_a_file_from_the_page(sim: SlackSim, http: aiohttp.ClientSession) -> None:
    file = {"name": "a.txt", "data": b64encode(b"words").decode()}
    ana = {"as": "ana", "channel": "ops", "text": ""}
    assert (await post(http, "say", **ana, files=[file]))[0] == 200
    (kept,) = sim.messages("ops")[0].files
    assert (kept.name, kept.content) == ("a.txt", b"words")
    assert (await post(http, "say", **ana, files=[{"name": "b", "data": "x"}]))[0] == 400
