"""How many agents sit at once, and who sits down next."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import ConfigError, load
from dispatch.means import Means, RunnerName
from dispatch.policy import URGENT
from dispatch.ports import Tool
from dispatch.seats.agents import GIBIBYTE, AgentSeats, seats_for
from dispatch.seats.local import LocalSeats
from dispatch.seats.machine import cores, memory_bytes
from dispatch.task import Verdict
from tests.fakes.runner import FakeRunner
from tests.unit.test_local_seats import make_session


@given(st.integers(1, 512), st.integers(0, 4096 * GIBIBYTE))
def test_a_machine_always_has_a_seat_and_never_more_than_it_has_room_for(cores: int, memory: int) -> None:
    seats = seats_for(cores, memory)
    assert seats >= 1
    assert seats <= 2 * cores
    assert seats == 1 or (seats + 1) * GIBIBYTE <= memory
    assert seats_for(cores + 1, memory) >= seats
    assert seats_for(cores, memory + GIBIBYTE) >= seats


@pytest.mark.parametrize(
    ("cores", "gibibytes", "seats"), [(1, 1, 1), (2, 4, 3), (2, 24, 4), (8, 16, 15), (16, 64, 32)]
)
def test_machines_of_usual_sizes(cores: int, gibibytes: int, seats: int) -> None:
    assert seats_for(cores, gibibytes * GIBIBYTE) == seats


def test_the_limits_of_a_control_group_count(tmp_path: Path) -> None:
    whole = (cores(tmp_path), memory_bytes(tmp_path))
    assert whole[0] >= 1
    assert whole[1] > GIBIBYTE // 4
    for quota, memory, found in (
        ("max 100000", "max", whole),
        ("50000 100000", "1000000", (1, 1_000_000)),
        ("100000 100000", "9" * 20, (1, whole[1])),
        ("99900000 100000", "", whole),
    ):
        (tmp_path / "cpu.max").write_text(f"{quota}\n")
        (tmp_path / "memory.max").write_text(f"{memory}\n")
        assert (cores(tmp_path), memory_bytes(tmp_path)) == found
    assert cores() >= 1
    assert memory_bytes() > 0


@dataclass
class Room:
    """Agents that sit until they are told to get up; `seated` holds those who do, in order."""

    seats: AgentSeats
    seated: list[str] = field(default_factory=list)
    _sitting: dict[str, tuple["asyncio.Task[None]", asyncio.Event]] = field(default_factory=dict)

    async def come(self, name: str, priority: int) -> None:
        up = asyncio.Event()
        self._sitting[name] = (asyncio.create_task(self._sit(name, priority, up)), up)
        await self._settled()

    async def get_up(self, name: str) -> None:
        self._sitting.pop(name)[1].set()
        await self._settled()

    async def give_up(self, name: str) -> None:
        self._sitting.pop(name)[0].cancel()
        await self._settled()

    async def _sit(self, name: str, priority: int, up: asyncio.Event) -> None:
        async with self.seats.taken(priority):
            self.seated.append(name)
            try:
                await up.wait()
            finally:
                self.seated.remove(name)

    async def _settled(self) -> None:
        for _ in range(5):
            await asyncio.wait({asyncio.create_task(asyncio.wait({self._soon()}))})

    @staticmethod
    def _soon() -> "asyncio.Future[None]":
        soon = asyncio.get_running_loop().create_future()
        soon.set_result(None)
        return soon


async def test_the_most_urgent_that_waits_sits_down_next() -> None:
    room = Room(AgentSeats(1))
    for name, priority in (("first", 9), ("patient", 8), ("urgent", 3), ("late", 3)):
        await room.come(name, priority)
    for name in ("first", "urgent", "late", "patient"):
        assert room.seated == [name]
        await room.get_up(name)
    assert room.seated == []


async def test_a_seat_is_kept_for_what_is_most_urgent() -> None:
    room = Room(AgentSeats(3, kept=1))
    for number in range(3):
        await room.come(f"p3-{number}", 3)
    assert room.seated == ["p3-0", "p3-1"]
    await room.come("p1", 1)
    assert room.seated == ["p3-0", "p3-1", "p1"]
    await room.get_up("p1")
    assert room.seated == ["p3-0", "p3-1"], "it is kept again"
    await room.get_up("p3-0")
    assert room.seated == ["p3-1", "p3-2"]
    assert AgentSeats(1, kept=5).is_free(10), "a single seat is for everybody"


async def test_who_gives_up_takes_no_seat_and_loses_none() -> None:
    room = Room(AgentSeats(1))
    for name in ("first", "second", "third"):
        await room.come(name, 5)
    await room.give_up("second")
    await room.give_up("first")
    assert room.seated == ["third"]
    await room.get_up("third")
    assert room.seats.is_free(10)


@given(
    st.lists(st.tuples(st.integers(1, 10), st.booleans()), max_size=30), st.integers(1, 4), st.integers(0, 4)
)
def test_there_are_never_more_than_seats_and_nobody_is_forgotten(
    comings: list[tuple[int, bool]], seats: int, kept: int
) -> None:
    async def play() -> None:
        room, here = Room(AgentSeats(seats, kept)), []
        for number, (priority, leaves) in enumerate(comings):
            here.append(f"{priority}-{number}")
            await room.come(here[-1], priority)
            _check(room, seats, min(kept, seats - 1))
            if leaves and room.seated:
                here.remove(room.seated[0])
                await room.get_up(room.seated[0])
                _check(room, seats, min(kept, seats - 1))
        while here:
            assert room.seated, "somebody waits and every seat is free"
            here.remove(room.seated[0])
            await room.get_up(room.seated[0])
        assert room.seats.is_free(10)

    asyncio.run(play())


def _check(room: Room, seats: int, kept: int) -> None:
    assert len(room.seated) <= seats
    assert sum(int(name.partition("-")[0]) > URGENT for name in room.seated) <= seats - kept


async def test_an_agent_that_waits_says_so_and_its_wall_clock_stands_still() -> None:
    told: list[object] = []

    async def note(given: object) -> str:
        told.append(given)
        return "Noted."

    runner = FakeRunner()
    runner.gate.clear()
    seats = LocalSeats(runner, agents=AgentSeats(1))
    agent = replace(make_session(), means=Means(RunnerName.CLAUDE_CODE))
    access = replace(agent.access, tools=(Tool("progress", "", {}, note),))
    first = asyncio.create_task(seats.run(replace(agent, access=access)))
    await runner.started.acquire()
    hasty = timedelta(milliseconds=30)
    second = asyncio.create_task(seats.run(replace(agent, task_id=2, access=access, wall_clock=hasty)))
    talk = await seats.run(make_session(hasty))
    assert talk.fault is not None, "a conversation needs no such seat, and its time has passed"
    assert told == [{"text": "waiting until another agent has ended"}]
    runner.gate.set()
    assert (await first).verdict is (await second).verdict is Verdict.ANSWERED
    assert told[1:] == [{"text": "starting"}]


def test_the_setting_is_a_number_of_seats(tmp_path: Path) -> None:
    file = tmp_path / "onequeue.toml"
    file.write_text("[claude_code]\nseats = 3\n")
    assert load({"ONEQUEUE_CONFIG": str(file)}).claude_code.seats == 3
    file.write_text("[claude_code]\nseats = 0\n")
    with pytest.raises(ConfigError, match=r"claude_code\.seats"):
        load({"ONEQUEUE_CONFIG": str(file)})
