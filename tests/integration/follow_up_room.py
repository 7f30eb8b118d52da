"""An answered task, its button, and the form behind it in the hands of people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.access import Role, Rules
from bot.rehearsal.slack import payloads
from bot.rehearsal.slack.state import Message as Posted
from bot.rehearsal.slack.state import User
from bot.views.form import FOLLOW_UP
from dispatch.states import State
from dispatch.task import Outcome, Task, Verdict
from tests.integration.control_room import Bench, control_room
from tests.integration.post_room import OPS, SAM, settle_down

ANSWER = Outcome(Verdict.ANSWERED, "It was the pool.", "claude-opus-5-5")
KIM, ZOE = "UKIM00001", "UZOE00001"
HIDDEN = "#1 was asked where you do not read along, as far as Slack tells me."


@asynccontextmanager
async def guestless(folder: Path, **more: Any) -> AsyncIterator[Bench]:
    """A bench where zoe is a member of the workspace and of no channel, and kim, a guest, is not let in."""
    rules = Rules(roles={Role.OPERATOR: frozenset({SAM})}, **more)
    async with control_room(folder, rules=rules) as bench:
        bench.slack.state.users[ZOE] = User(ZOE, "zoe", "Zoe Lind", "Etc/UTC")
        yield bench


async def answered(bench: Bench, words: str = "p3 investigate stall", where: str = OPS) -> Posted:
    """The card of ana's first task, which is answered."""
    channel = bench.slack.state.channels.get(where)
    if channel and bench.slack.state.bot_user_id not in channel.members:
        channel.members.append(bench.slack.state.bot_user_id)
    await bench.slack.slash("ana", where, words)
    await bench.seats.wait_started(1)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    await settle_down(bench.room)
    return next(post for post in bench.room.posts(where) if post.text.startswith("#1 · "))


async def press(bench: Bench, card: Posted, who: str = "ana") -> None:
    assert await bench.slack.click(who, card.channel, card.ts, "follow_up") == ""


def form_of(bench: Bench, who: str = "ana") -> dict[str, Any]:
    """The form that somebody has before them."""
    view = bench.slack.forms.modal(who)
    assert view is not None
    assert view["callback_id"] == FOLLOW_UP
    return view


async def send(bench: Bench, who: str = "ana", **values: Any) -> dict[str, str]:
    """Sends it, filled in like this; what is wrong."""
    sent = await bench.slack.forms.submit(who, {"words": "and the refunds?", **values})
    assert sent["text"] == ""
    return dict(sent["errors"])


async def replay(bench: Bench, who: str, number: object = 1, view_id: str = "V0REPLAY1") -> str:
    """Has Slack bring the form as that person's, with what they like in it; what is wrong with it."""
    workspace = bench.slack._workspace
    words = {"words": {"words": {"type": "plain_text_input", "value": "and the refunds?"}}}
    view = {"type": "modal", "id": view_id, "callback_id": FOLLOW_UP, "private_metadata": str(number)}
    sent = {**view, "state": {"values": words}, "blocks": []}
    payload = payloads.submission(workspace, workspace.state.users[who], sent)
    envelope = await workspace.delivery.answer(workspace.delivery.send("interactive", payload))
    assert envelope.state == "acked"
    return str(((envelope.ack or {}).get("errors") or {}).get("words", ""))


async def open_tasks(bench: Bench) -> list[Task]:
    return list(await bench.room.store.queue.open_tasks(10))


async def told(bench: Bench, who: str) -> list[str]:
    """What that person alone has seen, but for what /task answered."""
    return [words for words in await bench.told(who) if not words.startswith("Queued as")]
