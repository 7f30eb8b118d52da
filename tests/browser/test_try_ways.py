"""The other ways into `onequeue try`: forms, shortcuts, files and threads."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import MARKS
from tests.browser.visitor import PATIENCE, Visitor

pytestmark = [*MARKS, pytest.mark.timeout(240)]


async def test_a_bare_command_opens_a_form(visitor: Visitor) -> None:
    await visitor.send("/task")
    form = visitor.page.get_by_role("dialog", name="New task")
    await form.get_by_label("What is to be done?").fill("list the open incidents")
    await form.get_by_label("Priority").select_option(label="p9 · Haiku · a junior could do it")
    await form.get_by_role("button", name="Queue it").click()
    await expect(form).to_be_hidden()
    await expect(visitor.card("list the open incidents")).to_contain_text(
        "p9 · Haiku · done", timeout=PATIENCE
    )


async def test_a_message_is_run_as_a_task(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.send("the export is late again")
    message = page.locator("#channel .message", has_text="the export is late again").last
    await message.hover()
    await message.get_by_label("More about this message").click()
    await message.get_by_role("button", name="Run as task").click()
    form = page.get_by_role("dialog")
    await expect(form).to_contain_text("the export is late again")
    await form.get_by_label("What is to be done?").fill("find out why")
    await form.get_by_role("button", name="Queue it").click()
    await expect(form).to_be_hidden()
    thread = await visitor.thread(message)
    await expect(thread).to_contain_text(re.compile(r"#\d+ · p5 · Sonnet · done"), timeout=PATIENCE)


async def test_a_file_comes_with_a_mention(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    log = tmp_path / "export.log"
    log.write_text("01:00 export began\n01:41 export ended\n")
    async with page.expect_file_chooser() as choosing:
        await page.locator("#channel").get_by_role("button", name="Attach a file").click()
    await (await choosing.value).set_files(log)
    await visitor.send("@Onequeue p9 how long did the export take?")
    message = page.locator("#channel .message", has_text="export.log").last
    thread = await visitor.thread(message)
    await expect(thread).to_contain_text(re.compile(r"p9 · Haiku · done"), timeout=PATIENCE)
    await expect(thread).to_contain_text("A simulated answer")


async def test_a_reply_in_the_thread_follows_up(visitor: Visitor) -> None:
    card = await visitor.task("/task p9 name the owners", "name the owners")
    await expect(card).to_contain_text("p9 · Haiku · done", timeout=PATIENCE)
    thread = await visitor.thread(card)
    reply = thread.get_by_role("textbox")
    await reply.fill("and their deputies")
    await reply.press("Enter")
    second = thread.locator(".message", has_text=re.compile(r"#\d+ · p\d+ · \w+ · done")).last
    await expect(second).to_contain_text("and their deputies", timeout=PATIENCE)
    await reply.fill("cost")
    await reply.press("Enter")
    await expect(visitor.page.get_by_text("in this thread, 2 tasks").first).to_be_visible(timeout=PATIENCE)


async def test_a_button_below_an_answered_task_follows_up(visitor: Visitor) -> None:
    card = await visitor.task("/task p9 list the runbooks", "list the runbooks")
    await expect(card).to_contain_text("p9 · Haiku · done", timeout=PATIENCE)
    await card.get_by_role("button", name="Follow up").click()
    form = visitor.page.get_by_role("dialog", name="Follow up")
    await expect(form).to_contain_text(re.compile(r"Goes on from #\d+ · p9 · Haiku"))
    await expect(form.get_by_label("Priority")).to_have_value("p9")
    await form.get_by_label("What is to follow?").fill("and who wrote them")
    await form.get_by_role("button", name="Queue it").click()
    await expect(form).to_be_hidden()
    thread = await visitor.thread(card)
    second = thread.locator(".message", has_text=re.compile(r"#\d+ · p9 · Haiku · done")).last
    await expect(second).to_contain_text("and who wrote them", timeout=PATIENCE)
