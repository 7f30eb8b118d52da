"""The page of `onequeue try` as a person meets it: first view, people, threads, layout, the side panel."""

from typing import Literal

import pytest
from playwright.async_api import expect

from tests.browser.conftest import MARKS, Visit
from tests.browser.gallery import gallery
from tests.browser.workspace import ANA, BOT, GALLERY, OPS, RANDOM, SAM, answer, card, message, section, ts

pytestmark = MARKS

ROOT = ts(3)


async def test_the_first_view_explains_itself(visit: Visit) -> None:
    await visit.open()
    page = visit.page
    await expect(page.get_by_role("heading", name="#ops", exact=True)).to_be_visible()
    await expect(page.locator(".banner")).to_have_text(
        "Simulated Slack, simulated Claude. Nothing leaves this machine."
    )
    await expect(page.locator(".example-card")).to_contain_text("#42 · p3 · Opus · done")
    await expect(page.locator(".example")).to_have_count(3)
    await page.get_by_role("button", name="Ask for something hard").click()
    await expect(page.locator("#composer")).to_have_value("/task p3 investigate stall")
    await expect(page.locator("#composer")).to_be_focused()
    await expect(page.locator("#panel")).to_be_hidden()
    assert visit.troubles == []


async def test_a_thread_opens_beside_the_channel_and_escape_closes_it(visit: Visit) -> None:
    await visit.rehearsal.say(OPS, card(ROOT), answer(ts(10), ROOT))
    await visit.open()
    page = visit.page
    await page.get_by_role("link", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_text("What I found")).to_be_visible()
    await expect(thread).to_contain_text("84k in, 6k out · $0.93 · #42")
    await expect(page.locator("#reply")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(thread).to_be_hidden()
    await expect(page.locator("#composer")).to_be_focused()
    await page.go_back()
    await expect(thread).to_be_visible()


async def test_what_arrives_shows_at_once_and_keeps_the_reader_in_place(visit: Visit) -> None:
    lines = [message(ts(n), SAM, f"line {n}") for n in range(40)]
    await visit.rehearsal.say(OPS, *lines)
    await visit.open()
    page = visit.page
    messages = page.locator("#channel .messages")
    await expect(page.get_by_text("line 39", exact=True)).to_be_in_viewport()
    await messages.evaluate("list => list.scrollTop = 300")
    await visit.rehearsal.say(OPS, message(ts(50), SAM, "line 50"))
    await expect(page.get_by_text("line 50", exact=True)).to_be_attached()
    assert await messages.evaluate("list => list.scrollTop") == 300
    await messages.evaluate("list => list.scrollTop = list.scrollHeight")
    await visit.rehearsal.say(OPS, message(ts(51), SAM, "line 51"))
    await expect(page.get_by_text("line 51", exact=True)).to_be_in_viewport()


async def test_an_edited_card_keeps_focus_and_its_neighbours(visit: Visit) -> None:
    first = message(ts(0), SAM, "hello")
    running = card(ROOT, "running")
    await visit.rehearsal.say(OPS, first, running, answer(ts(4), ROOT))
    await visit.open()
    page = visit.page
    await page.evaluate("document.querySelector('.message').dataset.untouched = 'yes'")
    await page.locator(".replies").focus()
    running["blocks"] = card(ROOT, "done")["blocks"]
    await visit.rehearsal.change()
    await expect(page.get_by_text("Opus · done")).to_be_visible()
    await expect(page.locator(".replies")).to_be_focused()
    await expect(page.locator("[data-untouched]")).to_have_text("SRSam Rivera09:00helloReply in thread")


async def test_acting_as_another_person_shows_their_workspace(visit: Visit) -> None:
    note = message(ts(0), BOT, "for Ana alone", ephemeral_to=ANA)
    await visit.rehearsal.say(OPS, note)
    await visit.open()
    page = visit.page
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    assert BOT not in await page.get_by_label("Act as").locator("option").evaluate_all(
        "all => all.map(o => o.value)"
    )
    await page.get_by_label("Act as").select_option(SAM)
    await expect(page.get_by_role("link", name="secret")).to_be_visible()
    await expect(page.get_by_text("for Ana alone")).to_have_count(0)
    await page.locator("#composer").fill("hi")
    await page.keyboard.press("Enter")
    assert (await visit.rehearsal.asked_for("/_sim/say"))["as"] == SAM


async def test_the_first_direct_message_opens_on_demand(visit: Visit) -> None:
    await visit.open()
    page = visit.page
    await page.get_by_role("button", name="Onequeue", exact=True).click()
    await expect(page.get_by_role("heading", name="Talk to Onequeue")).to_be_visible()
    await expect(page.locator("#composer")).to_have_attribute("placeholder", "Message Onequeue")
    assert await visit.rehearsal.asked_for("/_sim/dm") == {"as": ANA}


async def test_other_channels_say_when_something_new_is_in_them(visit: Visit) -> None:
    await visit.open()
    link = visit.page.get_by_role("link", name="random")
    await expect(link).not_to_contain_text("new messages")
    await visit.rehearsal.say(RANDOM, message(ts(900_000), SAM, "news"))
    await expect(link).to_contain_text("new messages")
    await link.click()
    await expect(visit.page.get_by_text("Onequeue is not in this channel")).to_be_visible()
    await expect(link).not_to_contain_text("new messages")


async def test_the_digest_button_goes_to_where_the_digest_arrives(visit: Visit) -> None:
    await visit.open(f"#{RANDOM}")
    await visit.page.get_by_role("button", name="Post the digest").click()
    assert await visit.rehearsal.asked_for("/_try/digest") == {}
    await visit.rehearsal.say(OPS, message(ts(20), BOT, "x", section("*Sunday 22 November* · $23.41")))
    await expect(visit.page.get_by_text("Sunday 22 November")).to_be_visible()
    await expect(visit.page).to_have_title("ops · Onequeue try")


async def test_the_side_panel_tells_wire_pings_and_failures(visit: Visit) -> None:
    state = visit.rehearsal.state
    at = "2026-11-25T08:02:30+00:00"
    call = {
        "n": 1,
        "at": at,
        "method": "chat.update",
        "args": {"ts": "1.2"},
        "ok": False,
        "error": "cant_update",
    }
    payload = {"command": "/task", "text": "p3"}
    sent = {
        "n": 2,
        "at": at,
        "type": "slash_commands",
        "id": "e",
        "state": "acked",
        "ms": 12,
        "payload": payload,
    }
    ping = {"at": at, "channel": OPS, "ts": ts(10), "kind": "user", "target": ANA}
    state["calls"], state["envelopes"], state["pings"] = [call], [sent], [ping]
    await visit.rehearsal.say(OPS, card(ROOT), answer(ts(10), ROOT))
    await visit.open()
    page = visit.page
    await page.get_by_role("button", name="Behind the scenes").click()
    panel = page.get_by_role("complementary", name="Behind the scenes")
    await expect(panel).to_contain_text("acked in 12 ms")
    await panel.get_by_text("chat.update").click()
    await expect(panel.get_by_text('"ts": "1.2"')).to_be_visible()
    await page.get_by_role("tab", name="Wire").press("ArrowRight")
    await expect(panel.get_by_role("link", name="@ana #ops")).to_be_visible()
    await page.get_by_role("tab", name="Pinged").press("ArrowRight")
    await panel.get_by_label("How").select_option("rate_limit")
    await panel.get_by_label("Times").fill("2")
    await panel.get_by_role("button", name="Set").click()
    await expect(panel.get_by_text("Next: rate limit, 2 times")).to_be_visible()
    assert await visit.rehearsal.asked_for("/_claude/fail") == {"kind": "rate_limit", "times": 2}
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    assert visit.troubles == []


@pytest.mark.parametrize("address", ["#list", f"#{OPS}", f"#{GALLERY}", f"#{OPS}/{ROOT}"])
async def test_nothing_is_wider_than_a_small_phone(visit: Visit, address: str) -> None:
    visit.rehearsal.state["messages"][GALLERY] = gallery()
    await visit.rehearsal.say(OPS, card(ROOT), answer(ts(10), ROOT))
    await visit.page.set_viewport_size({"width": 360, "height": 740})
    await visit.open(address)
    assert await visit.page.evaluate("document.documentElement.scrollWidth") == 360
    too_wide = "all => all.filter(each => each.scrollWidth > each.clientWidth).length"
    assert await visit.page.locator(".messages").evaluate_all(too_wide) == 0


async def test_a_small_phone_shows_one_pane_with_ways_back(visit: Visit) -> None:
    await visit.rehearsal.say(OPS, card(ROOT), answer(ts(10), ROOT))
    page = visit.page
    await page.set_viewport_size({"width": 360, "height": 740})
    await visit.open(f"#{OPS}/{ROOT}")
    panes = {name: page.locator(f"#{name}") for name in ("sidebar", "channel", "thread", "panel")}

    async def only(shown: str) -> None:
        for name, pane in panes.items():
            await expect(pane).to_be_visible(visible=name == shown)

    await only("thread")
    await page.get_by_role("link", name="Back to channel", exact=True).click()
    await only("channel")
    await page.get_by_role("button", name="Behind the scenes").click()
    await only("panel")
    await panes["panel"].get_by_role("button", name="Back").click()
    await only("channel")
    await page.get_by_role("link", name="Back to channels").click()
    await only("sidebar")
    await page.get_by_role("link", name="random").click()
    await only("channel")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_dark_and_light_follow_the_reader(visit: Visit, scheme: Literal["light", "dark"]) -> None:
    await visit.page.emulate_media(color_scheme=scheme)
    await visit.open()
    ground, words, quiet = await visit.page.evaluate(
        """['#channel backgroundColor', '#channel color', '.topic color'].map((wanted) => {
          const [where, what] = wanted.split(' ');
          return getComputedStyle(document.querySelector(where))[what].match(/[\\d.]+/g).map(Number);
        })"""
    )
    assert (light(ground) < 0.5) == (scheme == "dark")
    assert contrast(ground, words) > 7
    assert contrast(ground, quiet) > 4.5


def contrast(one: list[float], other: list[float]) -> float:
    """The contrast ratio of WCAG, 1 to 21."""
    low, high = sorted([light(one), light(other)])
    return (high + 0.05) / (low + 0.05)


def light(colour: list[float]) -> float:
    parts = [part / 255 for part in colour[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_nothing_moves_for_readers_who_ask_for_stillness(visit: Visit) -> None:
    await visit.rehearsal.say(OPS, card(ROOT))
    animation = "getComputedStyle(document.querySelector('.messages > .message')).animationName"
    await visit.open()
    assert await visit.page.evaluate(animation) == "fade"
    await visit.page.emulate_media(reduced_motion="reduce")
    assert await visit.page.evaluate(animation) == "none"


async def test_the_page_says_when_the_rehearsal_is_gone(visit: Visit) -> None:
    await visit.open()
    await visit.rehearsal.close()
    await expect(visit.page.get_by_text("The rehearsal does not answer.")).to_be_visible()
