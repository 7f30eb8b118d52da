"""`onequeue try` as a person meets it: the real process, a real browser, from the command to the digest."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import MARKS
from tests.browser.visitor import ANA, PATIENCE, Visitor

pytestmark = [*MARKS, pytest.mark.timeout(240)]


async def test_a_task_says_its_price_before_and_after_and_is_judged(visitor: Visitor) -> None:
    page = visitor.page
    await expect(page.locator("#channel")).to_contain_text("Things to try")
    card = await visitor.task("/task p3 investigate stall", "investigate stall")
    heard = page.locator("#channel .message.ephemeral").last
    await expect(heard).to_contain_text(
        re.compile(r"p3 · Opus · .*in line.* · starts soon · usually \$0\.\d\d")
    )
    await expect(card).to_contain_text(re.compile(r"of \$10\.00 so far|done"))
    await expect(card).to_contain_text("p3 · Opus · done", timeout=PATIENCE)
    thread = await visitor.thread(card)
    await expect(thread).to_contain_text(re.compile(r"p3 -> Opus · claude-opus-5-5 · .*\$0\.\d\d · #\d+"))
    await expect(page.locator(".session")).to_have_count(0)
    await visitor.picture("thread", 960)
    await thread.get_by_role("button", name="Good answer").click()
    await expect(page.get_by_text("a thumb up for").first).to_be_visible()


async def test_home_is_a_board_with_filters_and_buttons(visitor: Visitor) -> None:
    page = visitor.page
    running = await visitor.task("/task p6 write a long report", "write a long report")
    await expect(running).to_contain_text("of $3.00 so far", timeout=PATIENCE)
    await visitor.task("/task p6 compare the reports", "compare the reports")
    await visitor.go("Home")
    home = page.get_by_role("region", name="Home")
    await expect(home).to_contain_text("compare the reports")
    await expect(home).to_contain_text(re.compile(r"\$0\.\d\d of \$100\.00"))
    await expect(home).not_to_contain_text("compare the two retry policies")
    await visitor.picture("home", 800)
    await home.get_by_role("button", name="All").click()
    await expect(home).to_contain_text("compare the two retry policies")
    await home.get_by_role("button", name="Mine").click()
    await expect(home).not_to_contain_text("compare the two retry policies")
    await home.get_by_role("button", name="Cancel").last.click()
    await expect(home.get_by_role("button", name="Bump to p5")).to_be_hidden()
    await home.get_by_role("button", name="Stop").click()
    await expect(home.get_by_role("button", name="Stop")).to_be_hidden(timeout=PATIENCE)


async def test_what_waits_is_held_bumped_and_cancelled_and_what_runs_is_stopped(visitor: Visitor) -> None:
    running = await visitor.task("/task p6 write a long plan", "write a long plan")
    await expect(running).to_contain_text("of $3.00 so far", timeout=PATIENCE)
    waiting = await visitor.task("/task p6 review the plan", "review the plan")
    await expect(waiting).to_contain_text("next in line")
    await expect(waiting).to_contain_text("usually <$0.01")
    await waiting.get_by_role("button", name="Hold").click()
    await expect(waiting).to_contain_text("Held by")
    await waiting.get_by_role("button", name="Release").click()
    await waiting.get_by_role("button", name="Bump to p5").click()
    await expect(waiting).to_contain_text("p5 · Sonnet")
    await waiting.get_by_role("button", name="Cancel").click()
    await expect(waiting).to_contain_text("cancelled")
    await running.get_by_role("button", name="Stop").first.click()
    await expect(running).to_contain_text("cancelled", timeout=PATIENCE)


async def test_a_question_is_answered_with_a_button(visitor: Visitor) -> None:
    words = "drain the queues, but ask me which first"
    card = await visitor.task(f"/task p9 {words}", words)
    thread = await visitor.thread(card)
    await thread.get_by_role("button", name="refunds").click()
    await expect(thread).to_contain_text("ana answered: refunds", timeout=PATIENCE)
    await expect(card).to_contain_text("p9 · Haiku · done", timeout=PATIENCE)


async def test_the_digest_draws_two_weeks_and_nobody_but_the_requester_was_pinged(visitor: Visitor) -> None:
    page = visitor.page
    await page.get_by_role("button", name="Post the digest").click()
    digest = page.locator("#channel .message", has_text="ended").last
    await expect(digest.locator("svg.picture")).to_be_visible(timeout=PATIENCE)
    await expect(digest).to_contain_text("Dearest")
    await visitor.picture("digest", 1010)
    pinged = {(ping["kind"], ping["target"]) for ping in (await visitor.seen())["pings"]}
    assert pinged == {("user", ANA)}
