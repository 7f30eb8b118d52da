"""The composer: keys, completion, and what is sent."""

from typing import Any

from playwright.async_api import expect

from tests.browser.conftest import MARKS, Visit
from tests.browser.workspace import ANA, BOT, OPS, SAM, card, message, ts

pytestmark = MARKS

ROOT = ts(3)
PLACE = {
    "people": [{"name": "onequeue", "real_name": "Onequeue"}, {"name": "ana", "real_name": "Ana Weber"}],
    "bot": "onequeue",
    "inThread": False,
    "dm": False,
}


async def test_enter_sends_and_shift_enter_makes_a_line(visit: Visit) -> None:
    await visit.open()
    field = visit.page.locator("#composer")
    await field.press_sequentially("one")
    await field.press("Shift+Enter")
    await field.press_sequentially("two")
    await field.press("Enter")
    assert await visit.rehearsal.asked_for("/_sim/say") == {"as": ANA, "channel": OPS, "text": "one\ntwo"}
    await expect(field).to_have_value("")


async def test_a_slash_command_goes_as_a_command(visit: Visit) -> None:
    await visit.open()
    field = visit.page.locator("#composer")
    await field.press_sequentially("/task p3 investigate stall for @ana")
    await field.press("Enter")
    assert await visit.rehearsal.asked_for("/_sim/slash") == {
        "as": ANA,
        "channel": OPS,
        "command": "/task",
        "text": "p3 investigate stall for @ana",
    }


async def test_people_are_named_by_id_in_what_is_sent(visit: Visit) -> None:
    await visit.open()
    field = visit.page.locator("#composer")
    await field.fill("@Onequeue p3 ask @ana and @Sam Rivera, not x@ana or @anabel")
    await field.press("Escape")
    await field.press("Enter")
    said = (await visit.rehearsal.asked_for("/_sim/say"))["text"]
    assert said == f"<@{BOT}> p3 ask <@{ANA}> and <@{SAM}>, not x@ana or @anabel"


async def test_a_reply_goes_to_its_thread_and_commands_do_not(visit: Visit) -> None:
    await visit.rehearsal.say(OPS, card(ROOT))
    await visit.open(f"#{OPS}/{ROOT}")
    page = visit.page
    field = page.get_by_role("textbox", name="Reply in thread")
    await field.fill("/task list")
    await field.press("Enter")
    await expect(page.locator("#thread").get_by_role("alert")).to_contain_text(
        "no slash commands in a thread"
    )
    await expect(field).to_have_value("/task list")
    await field.fill("thanks")
    await field.press("Enter")
    sent = await visit.rehearsal.asked_for("/_sim/say")
    assert sent == {"as": ANA, "channel": OPS, "text": "thanks", "thread_ts": ROOT}
    assert [path for path, _ in visit.rehearsal.asked] == ["/_sim/say"]


async def test_what_was_refused_stays_in_the_field_with_the_reason(visit: Visit) -> None:
    visit.rehearsal.refusals["/_sim/say"] = "Sam is not in #ops. <b>Choose</b> another."
    await visit.open()
    field = visit.page.locator("#composer")
    await field.fill("hello")
    await field.press("Enter")
    note = visit.page.locator("#channel").get_by_role("alert")
    await expect(note).to_have_text("Sam is not in #ops. <b>Choose</b> another.")
    await expect(field).to_have_value("hello")


async def test_a_draft_waits_in_its_channel(visit: Visit) -> None:
    await visit.open()
    page = visit.page
    await page.locator("#composer").fill("half a thought")
    await page.get_by_role("link", name="random").click()
    await expect(page.locator("#composer")).to_have_value("")
    await page.get_by_role("link", name="ops").click()
    await expect(page.locator("#composer")).to_have_value("half a thought")


async def test_completion_by_keyboard_writes_a_whole_command(visit: Visit) -> None:
    await visit.open()
    page = visit.page
    await page.keyboard.press("/")
    field = page.locator("#composer")
    await expect(field).to_be_focused()
    await expect(page.get_by_role("option", name="/task")).to_be_visible()
    await field.press("Enter")
    await expect(field).to_have_value("/task ")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    await expect(options).to_have_count(18)
    await field.press_sequentially("p")
    await expect(options).to_have_count(11)
    await field.press("ArrowDown")
    await field.press("ArrowDown")
    await expect(field).to_have_attribute("aria-activedescendant", "composer-suggestions-1")
    await field.press("Tab")
    await expect(field).to_have_value("/task p2 ")
    await field.press_sequentially("mod")
    await field.press("Tab")
    await field.press_sequentially("h")
    await field.press("Tab")
    await expect(field).to_have_value("/task p2 model=haiku ")
    await field.press("Escape")
    await expect(options).to_have_count(0)


GRAMMAR: list[tuple[str, dict[str, bool], list[str] | None]] = [
    ("/", {}, ["/task"]),
    ("/x", {}, None),
    ("/", {"inThread": True}, None),
    (
        "/task ",
        {},
        [
            *("p1 … p10", "model=", "max=", "by=", "repo="),
            *("list", "show 42", "cancel 42", "retry 42", "bump 42", "lower 42", "hold 42", "release 42"),
            *("run status", "cost", "pause", "resume", "help"),
        ],
    ),
    ("/task p1", {}, ["p1", "p10"]),
    ("/task p10", {}, None),
    ("/task p3 ", {}, ["model=", "max=", "by=", "repo="]),
    ("/task p3 model=opus ", {}, ["max=", "by=", "repo="]),
    ("/task p3 by=18:00 ", {}, ["model=", "max=", "repo="]),
    ("/task repo=payments ", {}, ["p1 … p10", "model=", "max=", "by="]),
    ("/task repo=", {}, None),
    ("/task ru", {}, ["run status"]),
    ("/task model=", {}, ["opus", "sonnet", "haiku"]),
    ("/task max=", {}, ["$1", "$2", "$5"]),
    ("/task by=", {}, ["12:00", "18:00", "23:59"]),
    ("/task by=09:30", {}, None),
    ("/task cost ", {}, ["today", "week", "month"]),
    ("/task re", {}, ["repo=", "retry 42", "release 42", "resume"]),
    ("/task resume", {}, None),
    ("/task list", {}, None),
    ("/task investigate ", {}, None),
    ("/task p3 the li", {}, None),
    ("@on", {}, ["@Onequeue"]),
    ("ask @an", {}, ["@ana"]),
    ("@Onequeue ca", {}, ["cancel 42"]),
    ("plain words", {}, None),
    ("ca", {"dm": True}, ["cancel 42"]),
]


async def test_completion_knows_the_grammar(visit: Visit) -> None:
    await visit.open()
    asked = [[typed, {**PLACE, **place}] for typed, place, _ in GRAMMAR]
    found: Any = await visit.page.evaluate(
        """async (asked) => {
          const {completion} = await import('/page/completion.js');
          return asked.map(([typed, place]) =>
            completion(typed, typed.length, place)?.items.map(({label}) => label) ?? null);
        }""",
        asked,
    )
    assert [(typed, labels) for (typed, *_), labels in zip(GRAMMAR, found, strict=True)] == [
        (typed, labels) for typed, _, labels in GRAMMAR
    ]


async def test_arrows_walk_the_messages_and_enter_opens_the_thread(visit: Visit) -> None:
    await visit.rehearsal.say(OPS, message(ts(0), SAM, "first"), card(ROOT))
    await visit.open()
    page = visit.page
    await page.locator("#composer").focus()
    await page.keyboard.press("ArrowUp")
    last = page.locator("#channel .message").last
    await expect(last).to_be_focused()
    assert await last.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#channel .message").first).to_be_focused()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(page.locator("#thread")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#composer")).to_be_focused()
