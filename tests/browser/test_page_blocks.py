"""What messages look like, and that nothing in them ever runs."""

import json

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import MARKS, Visit
from tests.browser.gallery import attacks, chart, gallery, hostile_view
from tests.browser.workspace import (
    ANA,
    ATTACK,
    BOT,
    GALLERY,
    HOSTILE,
    OPS,
    answer,
    card,
    message,
    section,
    ts,
)

pytestmark = MARKS


async def gallery_message(visit: Visit, n: int) -> Locator:
    visit.rehearsal.state["messages"][GALLERY] = gallery()
    await visit.open(f"#{GALLERY}")
    return visit.page.locator(f'#channel .message[data-ts="{ts(n)}"]')


async def test_slack_text(visit: Visit) -> None:
    shown = await gallery_message(visit, 0)
    for tag, words in {
        "strong": "bold",
        "em": "italics",
        "s": "strike",
        "blockquote": "quoted",
        "pre": "fenced *x*",
    }.items():
        await expect(shown.locator(tag)).to_have_text(words)
    await expect(shown.locator("a", has_text="docs")).to_have_attribute("rel", "noopener noreferrer")
    await expect(shown).to_contain_text("docs (example.com) @ana #ops 2026-11-25 09:00 🎉 <b> :no_such:")
    await expect(shown.locator(".head")).to_contain_text("edited")
    await expect(shown.get_by_role("button", name="👀 1")).to_be_visible()


async def test_each_kind_of_block(visit: Visit) -> None:
    shown = await gallery_message(visit, 1)
    await expect(shown.get_by_role("heading", name="A header")).to_be_visible()
    await expect(shown.locator(".fields > div")).to_have_count(2)
    await expect(shown.locator(".context")).to_have_text("A quiet line")
    await expect(shown.locator("hr")).to_have_count(1)
    await expect(shown.get_by_role("columnheader", name="tasks")).to_be_visible()
    await expect(shown.get_by_role("cell", name="6")).to_have_class("align-right")
    await expect(shown.locator(".rich")).to_contain_text("plain <!channel> bold@anaa link (example.com)")
    await expect(shown.locator(".not-shown")).to_have_text(
        ["Not shown here: image: a cat", "Not shown here: a video block"]
    )
    assert visit.troubles == []


async def test_a_button_is_pressed_as_the_acting_person(visit: Visit) -> None:
    shown = await gallery_message(visit, 1)
    visit.rehearsal.refusals["/_sim/click"] = "That task has ended."
    await shown.get_by_role("button", name="Retry").click()
    assert await visit.rehearsal.asked_for("/_sim/click") == {
        "as": ANA,
        "channel": GALLERY,
        "ts": ts(1),
        "action_id": "retry",
        "value": "42",
        "block_id": "b1",
    }
    await expect(visit.page.locator("#channel").get_by_role("alert")).to_have_text("That task has ended.")


async def test_charts_have_a_picture_a_legend_and_the_numbers(visit: Visit) -> None:
    shown = await gallery_message(visit, 2)
    pictures = shown.get_by_role("img")
    await expect(pictures).to_have_count(4)
    bars = pictures.first
    assert "Opus, Sonnet, Haiku over 14 categories" in (await bars.get_attribute("aria-label") or "")
    await expect(bars.locator("rect")).to_have_count(42)
    await expect(bars.locator("rect title").first).to_have_text("11 Nov · Opus: 4")
    await expect(shown.locator(".legend").first.locator("li")).to_have_text(["Opus", "Sonnet", "Haiku"])
    await expect(shown.locator(".pie path")).to_have_count(2)
    await shown.get_by_text("Numbers").first.click()
    table = shown.get_by_role("table").first
    await expect(table.get_by_role("row")).to_have_count(15)
    await expect(table.get_by_role("row").nth(1)).to_have_text("11 Nov42.40.6")


async def test_bars_of_a_day_stand_on_each_other(visit: Visit) -> None:
    await visit.rehearsal.say(OPS, message(ts(1), BOT, "x", chart("bar")))
    await visit.open()
    boxes = await visit.page.locator("rect").evaluate_all(
        "all => all.slice(0, 3).map(r => ['x', 'y', 'height'].map(name => Number(r.getAttribute(name))))"
    )
    (x1, y1, _), (x2, y2, h2), (x3, y3, h3) = boxes
    assert x1 == x2 == x3
    assert (y2 + h2, y3 + h3) == (pytest.approx(y1, abs=0.02), pytest.approx(y2, abs=0.02))


async def test_the_answer_in_markdown(visit: Visit) -> None:
    await visit.rehearsal.say(OPS, card(ts(3)), answer(ts(10), ts(3)))
    await visit.open(f"#{OPS}/{ts(3)}")
    shown = visit.page.locator("#thread .markdown")
    await expect(shown.get_by_role("heading", name="What I found")).to_be_visible()
    await expect(shown.locator("strong")).to_have_text("stopped")
    await expect(shown.locator("ol > li")).to_have_count(2)
    await expect(shown.locator("ol ul > li")).to_have_text("nested point")
    await expect(shown.get_by_role("img", name="done", exact=True)).to_have_count(1)
    await expect(shown.get_by_role("img", name="to do")).to_have_count(1)
    await expect(shown.get_by_role("cell", name="412")).to_have_class("align-right")
    await expect(shown.locator("blockquote")).to_have_text("One lease was held for 44 h.")
    await expect(shown.locator("pre")).to_have_text("def claim(queue: str) -> None:\n    ...")


async def test_marks_files_and_what_was_deleted(visit: Visit) -> None:
    shown = await gallery_message(visit, 3)
    await expect(shown).to_contain_text("Only visible to you")
    chip = visit.page.get_by_role("link", name="task-42.md")
    await expect(chip).to_have_attribute("download", "task-42.md")
    await visit.page.get_by_text("Preview").click()
    await expect(visit.page.get_by_text("# Words in a file")).to_be_visible()
    lost = visit.page.locator(f'#channel .message[data-ts="{ts(5)}"]')
    await expect(lost).to_contain_text("This message was deleted.")
    await expect(lost).to_contain_text("1 reply")


async def test_nothing_hostile_runs_or_becomes_an_element(visit: Visit) -> None:
    state = visit.rehearsal.state
    state["messages"][HOSTILE] = attacks()
    state["status"][f"{HOSTILE}:{ts(0)}"] = ATTACK
    payload = {"event": {"type": ATTACK}}
    at = "2026-11-25T08:02:30+00:00"
    state["calls"] = [
        {"n": 1, "at": at, "method": ATTACK, "args": {ATTACK: ATTACK}, "ok": False, "error": ATTACK}
    ]
    state["envelopes"] = [
        {"n": 2, "at": ATTACK, "type": ATTACK, "id": "e", "state": ATTACK, "ms": 1, "payload": payload}
    ]
    state["pings"] = [{"at": at, "channel": ATTACK, "ts": "1", "kind": "usergroup", "target": ATTACK}]
    visit.rehearsal.claude["failures"] = [{"kind": ATTACK, "times": 1}]
    state["shortcuts"] = [
        {"name": ATTACK, "kind": kind, "callback_id": ATTACK} for kind in ("message", "global")
    ]
    state["sessions"][f"{HOSTILE}:{ts(0)}"] = {"status": "processing", "title": ATTACK, "stoppable": True}
    await visit.open(f"#{HOSTILE}")
    page = visit.page
    await page.get_by_role("button", name="Behind the scenes").click()
    for tab in ("Pinged", "Claude"):
        await page.get_by_role("tab", name=tab).click()
    await page.get_by_role("tab", name="Wire").click()
    await expect(page.locator("#panel")).to_contain_text(ATTACK)
    await expect(page.locator("#channel .message")).to_have_count(3)
    assert await page.evaluate("window.hurt") is None
    assert (
        await page.locator('img:not([src="/page/mark.svg"]), body script, iframe, object, embed').count() == 0
    )
    schemes = await page.locator("a").evaluate_all("all => [...new Set(all.map(a => a.protocol))].sort()")
    assert schemes == ["http:", "https:"]
    assert await page.locator("[style*=url], [onerror], [onclick]").count() == 0
    await expect(page.get_by_text("bank.com (evil.example)").first).to_be_visible()
    unread = "a table block that could not be read"
    await expect(page.get_by_text(unread)).to_have_count(1)
    assert [trouble for trouble in visit.troubles if "TypeError" not in trouble] == []


async def test_nothing_hostile_runs_in_views(visit: Visit) -> None:
    state = visit.rehearsal.state
    state["home"] = hostile_view("home")
    await visit.open("#home")
    page = visit.page
    await expect(page.locator("#home .home-blocks")).to_contain_text(ATTACK)
    state["modal"] = {"view": hostile_view("modal"), "depth": 1}
    await visit.rehearsal.change()
    await expect(page.locator("#form h2")).to_have_text(ATTACK)
    visit.rehearsal.answers["/_sim/submit"] = {"errors": {"i0": ATTACK}, "text": ATTACK}
    await page.locator("#form button[type=submit]").click()
    await expect(page.locator("#form .form-error").first).to_have_text(ATTACK)
    assert await page.evaluate("window.hurt") is None
    foreign = 'img:not([src="/page/mark.svg"]), body script, iframe, object, embed, [onerror]'
    assert await page.locator(foreign).count() == 0
    assert visit.troubles == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x " + "*" * 11_000, "x " + "*" * 11_000),
        ("[" * 6_000, "[" * 6_000),
        ("> " * 3_000 + "x", "x"),
        ("x " + "`" * 5_999 + " a", "x " + "`" * 5_999 + " a"),
        ("*_" * 3_000 + "x" + "_*" * 3_000, "x"),
        ("- " * 3_000 + "x", "x"),
        ("<@" * 4_000, "<@" * 4_000),
        ("| " * 3_000 + "x\n" + "|-" * 3_000 + "|\n", "x"),
    ],
)
async def test_absurd_text_is_shown_in_reasonable_time(visit: Visit, text: str, words: str) -> None:
    blocks = ({"type": "markdown", "text": text}, section(text))
    await visit.rehearsal.say(OPS, message(ts(1), BOT, text, *blocks))
    await visit.open()
    await expect(visit.page.locator("#channel .markdown")).to_contain_text(words, timeout=5_000)
    assert visit.troubles == []


async def test_the_policy_stops_what_the_page_would_not_do(visit: Visit) -> None:
    await visit.open()
    await visit.page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = 'window.hurt = 1';
          document.body.append(script);
        }"""
    )
    assert await visit.page.evaluate("window.hurt") is None
    reached = await visit.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', (e) => e.name)")
    assert reached == "TypeError"
    assert any("Content Security Policy" in trouble for trouble in visit.troubles), json.dumps(visit.troubles)
