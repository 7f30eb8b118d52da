"""Whatever of Slack's an older workspace or a smaller manifest refuses, people get their answers in place."""

import ast
import asyncio
import inspect
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import pytest

from bot import chat
from bot.manual import HELP
from bot.rehearsal.slack.state import Message
from dispatch.states import State
from tests.incidents.between import OPS
from tests.incidents.house import House, opened, text_of

ANA: Final = "UANA00001"
ALWAYS: Final = 10_000
UPLOAD: Final = ("files.getUploadURLExternal", "files.completeUploadExternal")
NEEDED: Final = frozenset({"auth.test", "chat.postMessage"})
"""Without these a bot has no voice at all."""

BY_THE_SAME_RIGHT: Final = ("chat.update", "chat.postEphemeral")
"""Slack lets whoever may post do these too: a right to them is never missing alone."""


def called() -> list[str]:
    """The methods of Slack's that the bot calls, read from the one place where it does."""
    found = set[str]()
    for node in ast.walk(ast.parse(inspect.getsource(chat))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="_client"), attr="api_call")):
                (name,) = [one.value for one in node.args if isinstance(one, ast.Constant)]
                found.add(str(name))
            case ast.Attribute(value=ast.Attribute(attr="_client"), attr="files_upload_v2"):
                found |= set(UPLOAD)
            case ast.Attribute(value=ast.Attribute(attr="_client"), attr=name):
                found.add(name.replace("_", "."))
    return sorted(found - {"api.call"})


FEATURES: Final = sorted(set(called()) - NEEDED)
WITH_BLOCKS: Final = ("chat.update", "chat.stopStream", "chat.postEphemeral", "views.open", "views.publish")
ONE_BY_ONE: Final = [
    *((method, "unknown_method") for method in FEATURES),
    *((method, "invalid_blocks") for method in WITH_BLOCKS),
]


def refuse(house: House, methods: Sequence[str], code: str) -> None:
    for method in methods:
        house.slack.fault(method, "error", ALWAYS, code)


async def say(house: House, words: str, thread: str | None = None) -> str:
    """Says it in #ops; the message's id."""
    ts = await house.slack.say("ana", OPS, words, thread_ts=thread)
    await house.settle()
    return str(ts)


async def eventually(house: House, condition: Callable[[], object]) -> None:
    """Lets time pass until it is so: what an operator must put right is tried again every five minutes."""
    await house.settle()
    for _ in range(12):
        if condition():
            return
        await house.pass_time(minutes=1)
    raise AssertionError([text_of(post) for post in house.slack.messages(OPS)])


async def put_aside(house: House, number: int) -> None:
    """Waits until that task has asked, and then until it has given its seat back."""
    async with asyncio.timeout(20):
        while number not in house.asked_by:
            known = [task.id for task in await house.store.queue.open_tasks(9)]
            if number in known and await house.building.dispatcher.questions(number):
                house.asked_by[number] = ANA
        while (await house.task(number)).state is not State.WAITING or house.building.worker.running:
            house.clock.advance(timedelta(seconds=10))


def thread_of(house: House, root: str) -> str:
    """All that is read in a thread of #ops below its first message."""
    return "\n".join(text_of(post) for post in house.slack.thread(OPS, root)[1:])


async def answered(house: House, root: str, number: int) -> None:
    """Waits until that task is done, and its answer with its footer stands in that thread."""
    house.asked_by[number] = ANA
    await eventually(house, lambda: re.search(rf" in, .* out · .* · #{number}\b", thread_of(house, root)))
    assert (await house.task(number)).state is State.DONE


def shown_to(house: House, person: str) -> list[str]:
    """What that person reads that nobody else does."""
    private = [post.text for post in house.slack.ephemerals(person)]
    return [*private, *(text_of(post) for post in house.slack.messages(house.slack.dm(person)))]


async def a_day(house: House) -> None:
    """All that somebody does with the bot, and what must come of it whatever is refused."""
    root = await say(house, "@onequeue p6 investigate the stall in a long answer")
    await answered(house, root, 1)
    for post in house.slack.thread(OPS, root):
        if "feedback" in str(post.blocks):
            assert await house.slack.click("ana", OPS, post.ts, "feedback", "1 up") == ""
            assert await house.store.queue.feedback(1) == {ANA: True}
    await say(house, "and the refunds?", root)
    await answered(house, root, 2)

    asking = await house.slack.say("ana", OPS, "@onequeue p6 ask me which queue")
    await put_aside(house, 3)
    await house.presence.refresh()
    await eventually(house, lambda: "Which of the two should I drain first?" in thread_of(house, asking))
    await say(house, "payments", asking)
    await answered(house, asking, 3)

    told = await house.slack.slash("ana", OPS, "")
    if house.slack.forms.modal("ana"):
        sent = await house.slack.forms.submit("ana", {"words": "tidy the wiki", "channel": OPS})
        assert sent == {"errors": {}, "text": ""}
    else:
        assert told == HELP
        assert (await house.slash("ana", "tidy the wiki", OPS)).startswith("Queued as #4")
    await eventually(house, lambda: cards(house, "tidy the wiki"))
    (card,) = cards(house, "tidy the wiki")
    await answered(house, card.ts, 4)

    await house.slack.open_home("ana")
    await house.slack.open_home("ana", "messages")
    await house.quiet()
    await house.board.refresh()
    await house.presence.refresh()
    assert (await house.slash("ana", "show 1", OPS)).startswith("*#1 · p6 · Sonnet")
    await say(house, "!status", root)
    await eventually(house, lambda: any("#2 · p6" in told for told in shown_to(house, "ana")))

    await house.building.books.post_digest(house.building.books.today())
    await eventually(house, lambda: any("4 tasks" in text_of(post) for post in house.slack.messages(OPS)))


def cards(house: House, words: str) -> list[Message]:
    """The messages of #ops itself that have these words."""
    return [post for post in house.slack.messages(OPS) if words in text_of(post) and not post.is_reply]


async def test_with_all_of_it_everything_is_used() -> None:
    async with opened(digest={"channel": OPS}) as house:
        await a_day(house)
        used = {call.method for call in house.slack.state.calls}
        shown = {"chat.startStream", "views.open", "views.publish", "agents.sessions.setStatus"}
        assert {*shown, "assistant.threads.setSuggestedPrompts", "chat.stopStream"} <= used


@pytest.mark.long
@pytest.mark.parametrize(("method", "code"), ONE_BY_ONE)
async def test_with_any_one_of_it_refused_people_are_answered(method: str, code: str) -> None:
    async with opened(digest={"channel": OPS}) as house:
        refuse(house, [method], code)
        await a_day(house)


async def test_with_all_of_it_refused_people_are_answered() -> None:
    """Words for one person only need one of the two ways that Slack has for them."""
    async with opened(digest={"channel": OPS}) as house:
        refuse(house, [method for method in FEATURES if method != "chat.postEphemeral"], "unknown_method")
        await a_day(house)


@pytest.mark.parametrize("code", ["missing_scope", "not_allowed_token_type", "access_denied"])
async def test_with_every_right_missing_but_that_to_post_people_are_answered(code: str) -> None:
    async with opened(digest={"channel": OPS}) as house:
        refuse(house, [method for method in FEATURES if method not in BY_THE_SAME_RIGHT], code)
        await a_day(house)
