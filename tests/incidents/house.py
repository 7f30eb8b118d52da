"""The whole bot on a moved clock: the real one, in this process, between a simulated Slack and Claude.

Its time is moved by `pass_time` from each moment at which something may happen to the next, and everything
that can happen there has happened before time goes on.
"""

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.app import LINES, Sockets, build
from bot.chat import SlackChat
from bot.config import Settings
from bot.doors import doors
from bot.manifest import manifest
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import Message, SlackSim, visible
from dispatch.diagnosis import SessionFacts
from dispatch.gates import Gate, GateState
from dispatch.seats.local import LocalSeats
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Attempt, Task
from tests.fakes.ended import EndedRunner, Ending
from tests.fakes.values import NOON
from tests.incidents.account import unsound
from tests.incidents.between import SAM, between
from tests.incidents.moved import HouseClock, MovedBuilding
from tests.slackshapes import check_calls

_PEOPLE = {"ana": "UANA00001", "sam": SAM}
_SECONDS = 20.0
_SHORTEST, _LONGEST = timedelta(seconds=15), timedelta(minutes=30)
_STEPS = 24
_FAST = next((folder for folder in (Path("/dev/shm"),) if folder.is_dir()), None)  # noqa: S108
"""A folder in memory where there is one: nothing shown here depends on how slow a disk is."""
_SOON = timedelta(seconds=30)
_CALM = 2
"""So often in a row nothing may be under way before time goes on."""


@dataclass
class House:
    """People call on it by `slash` and `press`; `slack` and `claude` are what it stands between.

    `board` and `presence` are its Homes and what Slack shows of it, both shown anew by the test alone.

    `runner` runs its sessions in place of the Messages API, where there is one. `asked_by` says who asked
    for each task that it took.
    """

    settings: Settings
    slack: SlackSim
    claude: ClaudeSim
    clock: HouseClock
    runner: EndedRunner | None = None
    asked_by: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ticked: dict[str, datetime] = {}
        self._open: AsyncExitStack | None = None

    async def start(self) -> None:
        """A process over the same database."""
        async with AsyncExitStack() as stack:
            settings, slack, clock = self.settings, self.slack, self.clock
            self.store = store = await Store.open(settings.database)
            stack.push_async_callback(store.close)
            chat = SlackChat(slack.bot_token, slack.api_url)
            self.building = building = MovedBuilding(settings, store, chat, clock)
            building.worker._chance = lambda: 0.5
            if self.runner is not None:
                building.worker._sessions._seats = LocalSeats(self.runner)
            await stack.enter_async_context(building.at_work())
            me = await chat.identity()
            to = doors(building, me)
            self.board, self.presence = to.board, to.presence
            app = build(
                to.intake,
                to.controls,
                me,
                homes=to.board,
                forms=to.forms,
                presence=to.presence,
                follow_ups=to.follow_ups,
            )
            sockets = Sockets(app, slack.app_token, slack.api_url, clock)
            await stack.enter_async_context(sockets)
            await slack.wait_for(lambda state: state.sockets == LINES)
            await stack.enter_async_context(building.watched(sockets.connected))
            self._open = stack.pop_all()
        await self.quiet()

    async def stop(self) -> None:
        """The process ends as it does on SIGTERM; time goes on meanwhile."""
        if self._open is None:
            return
        ending, self._open = asyncio.create_task(self._open.aclose()), None
        while not ending.done():
            await asyncio.wait({ending}, timeout=0.02)
            self.clock.advance(timedelta(seconds=1))
        await ending

    async def restart(self) -> None:
        """The next process takes over."""
        await self.stop()
        await self.start()

    async def slash(self, person: str, words: str, channel: str = "#payments") -> str:
        """Uses /task; what the person alone sees. A task that it took counts from then on."""
        said = await self.slack.slash(person, channel, words)
        self._took(person, [said])
        await self.quiet()
        return said

    def _took(self, person: str, said: Sequence[str]) -> None:
        for taken in filter(None, (re.match(r"Queued as #(\d+)", answer) for answer in said)):
            self.asked_by[int(taken[1])] = _PEOPLE[person]

    async def ask(self, count: int, words: str = "p3 investigate stall", person: str = "ana") -> list[int]:
        """Hands in so many tasks; their numbers."""
        before = set(self.asked_by)
        for _ in range(count):
            said = await self.slash(person, f"{words} {len(self.asked_by) + 1}")
            assert said.startswith("Queued as #"), said
        return sorted(set(self.asked_by) - before)

    async def flood(self, person: str, words: str, count: int) -> list[str]:
        """Hands in so many, as fast as it goes; what the person then sees each time."""
        told = [f"{words} for {person} {number + 1}" for number in range(count)]
        said = [await self.slack.slash(person, "#payments", each) for each in told]
        self._took(person, said)
        await self.quiet()
        return said

    async def let_on(self, requests: int) -> None:
        """Lets the answer that is held go on until Claude holds the answer to that request."""
        self.claude.release()
        self.claude.hold()
        await self.claude.wait_for_served(requests - 1)
        await self.claude.wait_for_requests(requests)
        await self.claude.wait_for_held()
        await self._move(self.clock.now() + timedelta(seconds=1))

    async def press(self, person: str, message: Message, action: str) -> None:
        """Presses a button of a message."""
        assert await self.slack.click(person, message.channel, message.ts, action) == ""
        await self.settle()

    async def quiet(self) -> None:
        """Returns once nothing more can happen before a later time."""
        calm = 0
        async with asyncio.timeout(_SECONDS):
            while calm < _CALM:
                due_at = await self._next_delivery()
                sent = due_at is None or due_at > self.clock.now()
                calm = calm + 1 if sent and self._is_calm() else 0

    async def settle(self) -> None:
        """Lets the few moments pass that Slack's pace asks for, until all that is due is sent."""
        await self.quiet()
        while (due_at := await self._next_delivery()) is not None:
            if due_at > self.clock.now() + _SOON:
                return
            await self._move(due_at)

    async def pass_time(self, **span: float) -> None:
        """Lets so much time pass (`hours=44`): as `timedelta`."""
        await self.quiet()
        length = timedelta(**span)
        until, step = self.clock.now() + length, min(max(length / _STEPS, _SHORTEST), _LONGEST)
        while (now := self.clock.now()) < until:
            moments = [moment for moment in await self._moments() if now < moment < now + step]
            await self._move(min([*moments, now + step, until]))

    async def pass_until(self, moment: datetime) -> None:
        """Lets time pass until then."""
        await self.pass_time(seconds=max((moment - self.clock.now()).total_seconds(), 0))

    async def _move(self, moment: datetime) -> None:
        self.clock.advance(moment - self.clock.now())
        self.slack.tick()
        for tick in self.building.ticks():
            last = self._ticked.get(tick.name)
            if last is None or moment - last >= timedelta(seconds=tick.seconds):
                self._ticked[tick.name] = moment
                await tick.do()
        await self.quiet()

    async def _moments(self) -> list[datetime]:
        """When something is due that is stored: a probe, an attempt, an end, a delivery."""
        gates, tasks = (await self.store.gates.all()).values(), await self.store.queue.open_tasks(10_000)
        found = [gate.opens_at for gate in gates if gate.state is GateState.CLOSED]
        found += [moment for task in tasks for moment in (task.run_at, task.expires_at)]
        found.append(await self._next_delivery())
        return [moment for moment in found if moment is not None]

    async def _next_delivery(self) -> datetime | None:
        """When the next one may go, or the next part of one."""
        under_way, asleep = self.building.courier._under_way, self.clock.asleep
        parts = [asleep[each.get_name()] for each in under_way if each.get_name() in asleep]
        return min([*parts, *filter(None, [await self.store.outbox.next_due()])], default=None)

    def _is_calm(self) -> bool:
        sleepers = {"watch", *(each.get_name() for each in self.building.courier._under_way)}
        sleepers |= {"dead man"} if self.settings.watch.ping_url else set()
        worker = self.building.worker
        return (
            worker.running == self._kept()
            and not (worker._awake.is_set() or self.store.database._under_way)
            and sleepers <= self.clock.asleep.keys()
            and all(envelope.state != "sent" for envelope in self.slack.state.envelopes)
        )

    def _kept(self) -> int:
        """The sessions that a test holds in their middle."""
        return self.runner.waiting if self.runner else self.claude._room.held

    async def task(self, number: int) -> Task:
        return await self.store.queue.task(number)

    async def attempts(self, number: int) -> Sequence[Attempt]:
        return await self.store.queue.attempts(number)

    async def states(self, numbers: Sequence[int] = ()) -> Mapping[State, int]:
        """How many tasks are in each state, of these or of all that were asked for."""
        return Counter([(await self.task(number)).state for number in numbers or self.asked_by])

    async def gate(self, name: str) -> Gate:
        return (await self.store.gates.all()).get(name, Gate(name))

    def posts(self, kind: str) -> list[Message]:
        """The bot's messages whose own key begins so: `card`, `answer:3`, `alarm`; oldest first."""
        found = [post for posts in self.slack.state.messages.values() for post in posts]
        return [post for post in found if _key(post).startswith(f"{kind}:")]

    def card(self, number: int) -> str:
        """What the task's card says now."""
        (card,) = [post for post in self.posts("card") if _key(post) == f"card:{number}"]
        return text_of(card)

    def alarms(self) -> list[Message]:
        """What operators were told of, each once."""
        return [post for post in self.posts("alarm") if not post.is_reply]

    def replies(self, message: Message) -> list[str]:
        """What its thread says."""
        return [text_of(reply) for reply in self.slack.thread(message.channel, message.ts)[1:]]


def text_of(message: Message) -> str:
    """All that people read in a message, and are notified with."""
    return f"{message.text}\n{visible(message)}"


def _key(post: Message) -> str:
    return str((post.metadata or {}).get("event_payload", {}).get("key", ""))


@asynccontextmanager
async def opened(
    facts: SessionFacts | Ending | None = None, start: datetime = NOON, **sections: Any
) -> AsyncIterator[House]:
    """A house at work, with `sections` of settings. At the end everything is accounted for.

    With `facts` its sessions are not those of the Messages API but end so.
    """
    clock = HouseClock(start)
    slack, claude = SlackSim(manifest(), now=clock.now), ClaudeSim(now=clock.now)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(dir=_FAST)))
        for sim in (slack, claude):
            await sim.start()
            stack.push_async_callback(sim.close)
        settings = between(slack, claude, folder, sections)
        runner = EndedRunner(facts, clock, settings.zone) if facts else None
        house = House(settings, slack, claude, clock, runner)
        stack.push_async_callback(house.stop)
        await house.start()
        yield house
        await house.settle()
        await house.stop()
        with closing(sqlite3.connect(settings.database)) as raw:
            assert unsound(raw, house.asked_by, claude.served, slack.pings) == []
        check_calls(slack.state.calls)
