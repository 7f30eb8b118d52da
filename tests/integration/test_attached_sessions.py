"""Files in sessions: the real SDK, gateway and store against a simulated Claude that checks every block."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.rehearsal.claude import Call, ClaudeSim, Say, Step, say
from dispatch.errors import Unreachable
from dispatch.faults import FaultKind
from dispatch.ports import Attachment, FileKind, Gathered
from dispatch.runners.claude_code.files import FOLDER, laid_out
from dispatch.runners.messages import MessagesRunner
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Attached, Resumed, Task, Verdict
from tests.fakes.attachments import PDF, PNG, TEXT
from tests.integration.gateway_room import GatewayRoom, hasty_room, open_session, sim, usage_of
from tests.integration.work_room import Place

__all__ = ["hasty_room", "sim"]

FILES = (
    Attachment("p99.png", FileKind.IMAGE, "image/png", PNG),
    Attachment("report.pdf", FileKind.PDF, "application/pdf", PDF),
    Attachment("log", FileKind.TEXT, "text/plain", TEXT),
)
QUESTION = Call("ask_requester", {"question": "Which first?", "options": ["payments", "refunds"]})


def first_blocks(sim: ClaudeSim, number: int = 0) -> list[dict[str, Any]]:
    content = sim.served[number].messages[0]["content"]
    assert isinstance(content, list)
    return content


async def test_a_conversation_begins_with_the_files_and_pays_for_them(
    room: GatewayRoom, sim: ClaudeSim
) -> None:
    claim = await room.claim()
    async with room.gateway.admit(claim) as access:
        session = replace(open_session(claim, access), attachments=FILES)
        outcome = await MessagesRunner().run(session)
    assert outcome.verdict is Verdict.ANSWERED
    image, pdf, text, words = first_blocks(sim)
    assert (image["type"], image["source"]["media_type"]) == ("image", "image/png")
    assert b64decode(image["source"]["data"]) == PNG
    assert (pdf["type"], pdf["title"], pdf["source"]["media_type"]) == (
        "document",
        "report.pdf",
        "application/pdf",
    )
    assert b64decode(pdf["source"]["data"]) == PDF
    assert (text["type"], text["title"], text["source"]["data"]) == ("document", "log", TEXT.decode())
    assert words["text"] == "investigate stall"
    assert [line.usage for line in await room.booked()] == [usage_of(served) for served in sim.served]


async def test_an_image_that_is_none_is_refused_by_the_api(room: GatewayRoom, sim: ClaudeSim) -> None:
    claim = await room.claim()
    wrong = Attachment("a.png", FileKind.IMAGE, "image/png", PDF)
    async with room.gateway.admit(claim) as access:
        session = replace(open_session(claim, access), attachments=(wrong,))
        outcome = await MessagesRunner().run(session)
    assert outcome.fault is not None
    assert "does not match the provided media type" in outcome.fault.detail


async def test_what_is_in_files_is_not_kept_and_is_there_again(room: GatewayRoom, sim: ClaudeSim) -> None:
    sim.script([Step((Say("I ask."), QUESTION)), say("Drained.")])
    claim = await room.claim(channel="C1")
    async with room.gateway.admit(claim) as access:
        session = replace(open_session(claim, access), attachments=FILES)
        paused = await MessagesRunner().run(session)
        assert paused.conversation is not None
        kept = json.loads(paused.conversation)
        assert kept["messages"][0] == {"role": "user", "content": "investigate stall"}
    async with room.gateway.admit(claim) as access:
        again = open_session(claim, access)
        resumed = Resumed(paused.conversation, "refunds")
        answered = await MessagesRunner().run(replace(again, attachments=FILES, resumed=resumed))
    assert (answered.verdict, answered.text) == (Verdict.ANSWERED, "Drained.")
    assert first_blocks(sim, 1) == first_blocks(sim, 0)


class OneFile:
    """`ports.Files` that has one of two, or does not answer."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken

    async def of(self, task: Task) -> Gathered:
        if self.broken:
            raise Unreachable("Slack does not answer")
        return Gathered(FILES[:1], ("`b.zip` (empty)",)) if task.files else Gathered()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path / "worker.db")
    opened = Place(store)
    opened.worker._sessions._files = OneFile()
    loop = asyncio.create_task(opened.worker.run())
    yield opened
    await opened.worker.drain(timedelta(0))
    await loop
    await store.close()


async def test_the_session_has_the_files_and_the_answer_says_what_it_had_not(place: Place) -> None:
    number = await place.add(files=(Attached("F1", "p99.png", 9),), quote_thread=True)
    await place.seats.wait_started(1)
    session = place.seats.started[0]
    assert session.attachments == FILES[:1]
    words, read, unread, quote = session.prompt.split("\n\n")
    assert (words, quote) == ("investigate stall", "> ana: it stalls")
    assert read.endswith("\n- p99.png")
    assert unread.endswith("\n- `b.zip` (empty)")
    place.seats.end(number)
    await place.until(number, State.DONE)
    (attempt,) = await place.store.queue.attempts(number)
    assert attempt.text == "42\n\nNot read: `b.zip` (empty)"


async def test_a_task_without_files_is_as_it_was(place: Place) -> None:
    await place.add()
    await place.seats.wait_started(1)
    assert (place.seats.started[0].prompt, place.seats.started[0].attachments) == ("investigate stall", ())


async def test_a_task_whose_files_cannot_be_had_now_is_tried_again(place: Place) -> None:
    place.worker._sessions._files = OneFile(broken=True)
    number = await place.add(files=(Attached("F1", "p99.png", 9),))
    async with asyncio.timeout(5):
        while not (attempts := await place.store.queue.attempts(number)) or attempts[0].fault is None:
            await place.store.queue.counts()
    assert attempts[0].fault.kind is FaultKind.UNREACHABLE
    assert await place.state(number) in (State.QUEUED, State.HELD)


async def test_files_are_forgotten_with_the_words(place: Place) -> None:
    number = await place.add(files=(Attached("F1", "p99.png", 9),))
    await place.seats.wait_started(1)
    place.seats.end(number)
    await place.until(number, State.DONE)
    queue, now = place.store.queue, place.clock.now()
    assert (await queue.task(number)).files == (Attached("F1", "p99.png", 9),)
    while due := await place.store.outbox.due(now, 100):
        for delivery in due:
            await place.store.outbox.sending(delivery.id)
            await place.store.outbox.sent(delivery.id, delivery.revision, "1.000001", now)
    await place.store.retention.forget(timedelta(0), now + timedelta(days=1))
    assert (await queue.task(number)).files == ()


def test_a_file_keeps_no_name_that_leads_elsewhere(tmp_path: Path) -> None:
    named = ("../../etc/passwd", "a b/c.PNG", ".", "x" * 300, "über.txt")
    files = [replace(FILES[0], name=name) for name in named] + [replace(FILES[2], name="a.py")]
    folder = laid_out(files, tmp_path)
    assert folder == tmp_path / FOLDER
    assert sorted(path.name for path in folder.iterdir()) == [
        "1-passwd.png",
        "2-c.png",
        "3-file.png",
        f"4-{'x' * 60}.png",
        "5-ber.png",
        "6-a.py",
    ]
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in folder.iterdir())
