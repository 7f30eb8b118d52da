"""People are asked for one thing after the other, and the session is told what they say."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from dispatch.means import Profile
from dispatch.ports import Access, Pause
from dispatch.questions import PUT_ASIDE, Ruling
from dispatch.runners.claude_code.command import Asked
from dispatch.runners.claude_code.permits import Permits

YES, NO = Ruling("Yes.", allows=True), Ruling("No.", allows=False)


class Room:
    """A session's end of the line: what people were asked, and what the session was told."""

    def __init__(self, *, granted: str = "", asks: bool = True, lasting: bool = False) -> None:
        self.asked: list[tuple[str, str]] = []
        self.told: list[tuple[str, object]] = []
        self.paused = False
        self.rulings: list[Ruling | Exception] = []
        self.waiting = asyncio.Event()
        self.lasting = lasting
        approve: Callable[[str, str], Awaitable[Ruling]] | None = self._approve if asks else None
        access = Access("", "", (), approve, is_paused=lambda: self.paused)
        asked = Asked("claude-haiku-5-5", Profile.READ, (), asks)
        self.permits = Permits(access, asked, Path("/srv/place"), granted, self._tell)

    def wants(self, number: str, tool: str = "Bash", **given: object) -> None:
        request = {"subtype": "can_use_tool", "tool_name": tool, "input": given or {"command": number}}
        self.permits.take({"type": "control_request", "request_id": number, "request": request})

    async def answered(self, count: int) -> list[tuple[str, object]]:
        async with asyncio.timeout(5):
            while len(self.told) < count:
                self.waiting.clear()
                await self.waiting.wait()
        return self.told

    async def _approve(self, action: str, reason: str) -> Ruling:
        self.asked.append((action, reason))
        if self.lasting:
            await asyncio.Event().wait()
        ruling = self.rulings.pop(0)
        if isinstance(ruling, Pause):
            self.paused = True
        if isinstance(ruling, Exception):
            raise ruling
        return ruling

    async def _tell(self, message: Mapping[str, Any]) -> None:
        response = message["response"]["response"]
        self.told.append((message["response"]["request_id"], response.get("message", response["behavior"])))
        self.waiting.set()


async def test_each_is_asked_in_turn() -> None:
    room = Room()
    room.rulings = [YES, NO]
    room.wants("1", command="ls", description="look")
    room.wants("2")
    assert await room.answered(2) == [("1", "allow"), ("2", "No.")]
    assert room.asked == [("$ ls", "look"), ("$ 2", "")]


async def test_what_comes_after_a_pause_is_not_asked() -> None:
    room = Room()
    room.rulings = [Pause()]
    room.wants("1")
    room.wants("2")
    assert await room.answered(2) == [("1", PUT_ASIDE), ("2", PUT_ASIDE)]
    assert (room.asked, room.permits.waits_for) == ([("$ 1", "")], "$ 1")


async def test_what_was_granted_meanwhile_holds_once() -> None:
    room = Room(granted="$ 1")
    room.rulings = [NO, NO]
    for count, number in enumerate(("2", "1", "1"), start=1):
        room.wants(number)
        await room.answered(count)
    assert [told for _, told in room.told] == ["No.", "allow", "No."]


async def test_tools_it_does_not_have_are_not_asked_for() -> None:
    room = Room()
    room.wants("1", "WebFetch", url="https://example.com")
    assert await room.answered(1) == [("1", "Denied: this session may not do that.")]
    unasking = Room(asks=False)
    unasking.wants("1")
    assert await unasking.answered(1) == [("1", "Denied: this session may not do that.")]
    assert room.asked == unasking.asked == []


async def test_what_breaks_is_a_denial() -> None:
    room = Room()
    room.rulings = [RuntimeError("broken"), YES]
    room.wants("1")
    room.wants("2")
    told = await room.answered(2)
    assert told == [("1", "Denied: people could not be asked. Do without it."), ("2", "allow")]


async def test_at_the_end_nobody_is_answered_any_more() -> None:
    room = Room(lasting=True)
    room.wants("1")
    async with asyncio.timeout(5):
        await room.permits.close()
    assert room.told == []
