"""Forms, the Home tab, shortcuts, Stop, thumbs, streams and files on the page, with an app that answers."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot.rehearsal.slack import visible
from tests.browser.conftest import MARKS
from tests.browser.stage import ANA, OPS, TEAM, THUMBS, TinyApp, staged

pytestmark = MARKS

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc00000030101001dbf8f970000000049454e44ae426082"
)


@pytest_asyncio.fixture(loop_scope="session")
async def app() -> AsyncIterator[TinyApp]:
    async with staged() as tiny:
        yield tiny


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, app: TinyApp) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport={"width": 1360, "height": 860}, locale="en-GB")
    page.set_default_timeout(10_000)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    await page.goto(app.sim.url)
    await expect(page).to_have_title("ops · Onequeue try")
    yield page
    await page.close()
    assert [trouble for trouble in troubles if "400" not in trouble] == []


async def open_form(page: Page) -> Any:
    await page.get_by_label("Shortcuts").click()
    await page.get_by_role("button", name="New task").click()
    form = page.get_by_role("dialog", name="New task")
    await expect(form).to_be_visible()
    return form


async def test_a_form_is_opened_filled_in_and_sent(page: Page, app: TinyApp) -> None:
    form = await open_form(page)
    prompt = form.get_by_label("prompt")
    await expect(prompt).to_be_focused()
    await expect(form.get_by_text("At most 20 characters.")).to_be_visible()
    await form.get_by_role("button", name="Queue it").click()
    await expect(form.get_by_role("alert")).to_have_text("Fill in prompt.")
    await prompt.fill("look")
    await form.get_by_label("tier").select_option("opus")
    assert (await app.saw_one("block_actions"))["actions"][0]["selected_option"]["value"] == "opus"
    await form.get_by_label("cap").fill("3")
    await form.get_by_label("End").check()
    await form.get_by_label("Good").check()
    await expect(form.get_by_label("place")).to_have_value(OPS)
    await form.get_by_role("button", name="Queue it").click()
    await expect(form).to_be_hidden()
    values = (await app.saw_one("view_submission"))["view"]["state"]["values"]
    found = {name: value for fields in values.values() for name, value in fields.items()}
    assert found["prompt"]["value"] == "look"
    assert found["tier"]["selected_option"]["value"] == "opus"
    assert found["cap"]["value"] == "3"
    assert [each["value"] for each in found["notify"]["selected_options"]] == ["end"]
    assert found["how"]["selected_option"]["value"] == "good"
    assert found["place"]["selected_conversation"] == OPS


async def test_errors_stand_at_their_fields_and_escape_closes(page: Page, app: TinyApp) -> None:
    app.answer = {"response_action": "errors", "errors": {"prompt_block": "Say <b>more</b>."}}
    form = await open_form(page)
    await form.get_by_label("prompt").fill("hm")
    await form.get_by_role("button", name="Queue it").click()
    await expect(form.get_by_text("Say <b>more</b>.")).to_be_visible()
    await expect(form.get_by_label("prompt")).to_have_attribute("aria-invalid", "true")
    await expect(form.get_by_label("prompt")).to_be_focused()
    await form.get_by_role("button", name="more", exact=True).click()
    assert (await app.saw_one("block_actions"))["container"]["type"] == "view"
    await expect(form.get_by_label("prompt")).to_have_value("hm")
    await page.keyboard.press("Escape")
    await expect(form).to_be_hidden()
    assert (await app.saw_one("view_closed"))["is_cleared"] is False


async def test_a_changed_form_keeps_what_was_typed(page: Page, app: TinyApp) -> None:
    form = await open_form(page)
    await form.get_by_label("prompt").fill("half a")
    view = app.sim.forms.modal("ana")
    assert view is not None
    sent = {name: view[name] for name in ("type", "callback_id", "submit", "blocks")}
    title = {"type": "plain_text", "text": "Still new"}
    await app.bolt.client.views_update(view_id=view["id"], view={**sent, "title": title})
    changed = page.get_by_role("dialog", name="Still new")
    await expect(changed.get_by_label("prompt")).to_have_value("half a")
    await changed.get_by_role("button", name="Close form").click()
    await expect(changed).to_be_hidden()
    assert app.sim.forms.modal("ana") is None


async def test_a_message_has_a_menu_of_shortcuts(page: Page, app: TinyApp) -> None:
    ts = await app.sim.say("sam", "ops", "the stall is back")
    message = page.locator(f'#channel .message[data-ts="{ts}"]')
    await message.focus()
    more = message.get_by_label("More about this message")
    await more.press("Enter")
    item = message.get_by_role("button", name="Run as task")
    await expect(item).to_be_visible()
    await item.press("Escape")
    await expect(item).to_be_hidden()
    await expect(more).to_be_focused()
    await more.press("Enter")
    await item.click()
    body = await app.saw_one("message_action")
    assert (body["message"]["text"], body["callback_id"]) == ("the stall is back", "run_as_task")
    await expect(page.get_by_role("dialog")).to_be_visible()


async def test_the_home_tab_is_told_shown_and_pressed(page: Page, app: TinyApp) -> None:
    await page.get_by_role("link", name="Home").click()
    home = page.get_by_role("region", name="Home")
    await expect(home).to_contain_text("2 tasks wait")
    await expect(page).to_have_title("Home · Onequeue try")
    assert (await app.saw_one("app_home_opened"))["tab"] == "home"
    await home.get_by_role("button", name="refresh").click()
    body = await app.saw_one("block_actions")
    assert (body["view"]["type"], body["actions"][0]["action_id"]) == ("home", "refresh")
    await home.get_by_label("Level").select_option("haiku")
    await app.sim.wait_for(lambda _: app.saw("block_actions")[-1]["actions"][0]["action_id"] == "level")
    tabs = page.locator("#home").get_by_role("navigation", name="Onequeue")
    await tabs.get_by_role("link", name="Messages").click()
    await expect(page.get_by_role("heading", name="Onequeue", exact=True)).to_be_visible()
    await app.sim.wait_for(lambda _: app.saw("app_home_opened")[-1]["tab"] == "messages")
    assert len(app.saw("app_home_opened")) == 2


async def test_a_press_nobody_answers_is_said_where_the_person_looks(page: Page, app: TinyApp) -> None:
    await page.get_by_role("link", name="Home").click()
    await expect(page.get_by_role("region", name="Home")).to_contain_text("2 tasks wait")
    await page.get_by_role("button", name="unheard").click()
    await expect(page.locator("#home").get_by_role("alert")).to_contain_text("operation_timeout")


async def test_a_message_grows_and_stop_ends_it(page: Page, app: TinyApp) -> None:
    root = await app.sim.say("ana", "ops", "p3 write it")
    web = app.bolt.client
    session = {"channel_id": OPS, "thread_ts": root}
    await web.agents_sessions_setStatus(**session, status="processing", title="Writing")
    step = {"type": "task_update", "id": "1", "title": "Read 3 files", "status": "in_progress"}
    stream = await web.api_call(
        "chat.startStream",
        json={
            "channel": OPS,
            "thread_ts": root,
            "recipient_team_id": TEAM,
            "recipient_user_id": ANA,
            "chunks": [step],
        },
    )
    await page.goto(f"{app.sim.url}/#{OPS}/{root}")
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_contain_text("Read 3 files")
    place = {"channel": OPS, "ts": stream["ts"]}
    await web.chat_appendStream(**place, markdown_text="First **half**")
    await expect(thread.locator(".markdown")).to_have_text("First half")
    await web.chat_appendStream(**place, markdown_text=", second half")
    await expect(thread.locator(".markdown")).to_have_text("First half, second half")
    await expect(thread.locator(".message .status")).to_have_text("writing")
    await expect(page.locator("#channel .session")).to_contain_text("Writing · working")
    await thread.get_by_role("button", name="Stop").click()
    event = await app.saw_one("agent_session_stopped")
    assert event["streaming_message_ts"] == [stream["ts"]]
    await expect(thread.locator(".message .status")).to_have_count(0)
    await web.agents_sessions_setStatus(**session, status="active")
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)


async def test_thumbs_are_told(page: Page, app: TinyApp) -> None:
    posted = await app.bolt.client.chat_postMessage(channel=OPS, text="answer", blocks=[THUMBS])
    await page.get_by_role("group", name="Was this good?").get_by_role("button", name="Bad").click()
    body = await app.saw_one("block_actions")
    assert (body["actions"][0]["value"], body["message"]["ts"]) == ("down", posted["ts"])


async def test_files_are_attached_taken_back_sent_and_seen(page: Page, app: TinyApp) -> None:
    chosen: Any = [
        {"name": name, "mimeType": kind, "buffer": content}
        for name, kind, content in (
            ("notes.txt", "text/plain", b"all of it"),
            ("dot.png", "image/png", PNG),
            ("wrong.bin", "application/octet-stream", b"x"),
        )
    ]
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("button", name="Attach a file").click()
    await (await choosing.value).set_files(chosen)
    await page.get_by_role("button", name="Remove wrong.bin").click()
    await page.locator("#composer").fill("@onequeue p3 read these")
    await page.locator("#composer").press("Escape")
    await page.locator("#composer").press("Enter")
    await app.sim.wait_for(lambda _: app.sim.messages("ops"))
    (message,) = app.sim.messages("ops")
    assert [(file.name, file.content) for file in message.files] == [
        ("notes.txt", b"all of it"),
        ("dot.png", PNG),
    ]
    assert "p3 read these" in visible(message)
    await expect(page.get_by_role("link", name="notes.txt")).to_be_visible()
    picture = page.get_by_role("img", name="dot.png")
    await expect(picture).to_have_js_property("naturalWidth", 1)
    await expect(page.get_by_role("list", name="Files to send")).to_be_hidden()


async def test_a_form_fits_a_small_phone(page: Page, app: TinyApp) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    form = await open_form(page)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    too_wide = "all => all.filter(each => each.scrollWidth > each.clientWidth).length"
    assert await page.locator(".form-body, .form").evaluate_all(too_wide) == 0
    await expect(form.get_by_role("button", name="Queue it")).to_be_in_viewport()
    await form.get_by_role("button", name=re.compile("Cancel")).click()
    await expect(form).to_be_hidden()
