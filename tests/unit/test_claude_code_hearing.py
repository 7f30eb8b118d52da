"""What a session of Claude Code is told while it runs, and what is known of its having read that."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dispatch.ports import Access
from dispatch.runners.claude_code.hearing import Hearing
from dispatch.task import Claim
from tests.fakes.clock import FakeClock
from tests.fakes.values import NOON, make_task
from tests.integration.gateway_room import open_session


@dataclass
class Line:
    """What was sent, and what there is to hear."""

    said: list[str]
    paused: bool = False
    sent: list[Mapping[str, Any]] = field(default_factory=list)

    async def hear(self) -> str:
        return self.said.pop(0) if self.said else ""

    async def tell(self, message: Mapping[str, object]) -> None:
        self.sent.append(message)

    def hearing(self) -> Hearing:
        access = Access("http://127.0.0.1:9", "k", (), is_paused=lambda: self.paused)
        session = open_session(Claim(make_task(), 1, NOON, 1), access, "investigate stall")
        return Hearing(replace(session, hear=self.hear), self.tell, FakeClock())

    def words(self) -> list[str]:
        return [message["message"]["content"] for message in self.sent]

    def lifecycle(self, number: int, state: str) -> Mapping[str, Any]:
        return {"type": "command_lifecycle", "command_uuid": self.sent[number]["uuid"], "state": state}


async def test_it_is_told_once_it_has_said_what_it_reads_and_is_unread_until_it_does() -> None:
    line = Line(["and the refunds"])
    hearing = line.hearing()
    await hearing.begin()
    hearing.take(line.lifecycle(0, "queued"))
    await hearing.look()
    assert line.words() == ["investigate stall"]
    hearing.take(line.lifecycle(0, "started"))
    assert not hearing.is_unread
    await hearing.look()
    assert line.words() == ["investigate stall", "and the refunds"]
    assert line.sent[0]["uuid"] != line.sent[1]["uuid"]
    for event in (line.lifecycle(1, "queued"), line.lifecycle(0, "completed"), {"type": "result"}):
        hearing.take(event)
        assert hearing.is_unread
    hearing.take(line.lifecycle(1, "started"))
    assert not hearing.is_unread


async def test_a_program_that_does_not_say_what_it_reads_is_told_nothing_more() -> None:
    line = Line(["and the refunds"])
    hearing = line.hearing()
    await hearing.begin()
    for event in (
        {"type": "assistant"},
        {"type": "command_lifecycle", "command_uuid": "x", "state": "started"},
    ):
        hearing.take(event)
    await hearing.look()
    assert (line.words(), line.said) == (["investigate stall"], ["and the refunds"])


async def test_one_that_waits_for_people_is_told_nothing() -> None:
    line = Line(["and the refunds"])
    hearing = line.hearing()
    await hearing.begin()
    hearing.take(line.lifecycle(0, "started"))
    line.paused = True
    await hearing.look()
    assert line.said == ["and the refunds"]
