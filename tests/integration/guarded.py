"""Every way for a person to change something, as Slack brings it, into a queue with a guard before it."""

import sqlite3
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.access import Rules
from bot.controls import Controls
from bot.directory import Directory
from bot.follow_ups import FollowUps
from bot.guard import Guard, GuardedAlarms
from bot.intake import Intake
from bot.ports import Identity
from bot.rights import TeamRights
from bot.scripts import Scripts
from bot.sections import ScriptSettings
from dispatch.budget import Budgets, Purse
from dispatch.dispatcher import Dispatcher
from dispatch.faults import Fault, FaultKind
from dispatch.gates import Gate, GateState
from dispatch.policy import Seating, Settlement
from dispatch.questions import NewQuestion, QuestionKind
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.scripts import Script
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Tier, Verdict
from dispatch.terms import Terms
from tests.fakes.clock import FakeClock
from tests.fakes.register import TEAM, FakeRegister
from tests.fakes.windows import FakeWindows
from tests.integration.front_desk import front_desk
from tests.integration.front_room import CountingNotifier, FakeAlarms

ANA, SAM, KIM = "UANA00001", "USAM00001", "UKIM00001"
OPS, THREAD, STEERED = "COPS00001", "1700000000.000100", "1700000000.000200"
ME = Identity("UBOT00001", "B1", TEAM, "Acme", frozenset())
TERMS = Terms(DEFAULT_TABLE, ZoneInfo("UTC"), scripts={"status": Script("status", ("true",))})
QUEUED, HELD, STOPPED, ASKING, CANCELLED, RUNS, TWICE, ANSWERED = 1, 2, 3, 4, 5, 7, 8, 9
"""ana's tasks: one in line, one short of money, one at its cap, one that asks, one that was cancelled, one
that runs where replies steer, one that looks like another, and one that is answered."""


@dataclass(frozen=True)
class Way:
    """A way to change something, as Slack's payload without who sent it, and what that comes to.

    It touches a task of `others`, does what only operators may (`operates`), or has a session run (`starts`):
    an `urgent` one, one on Opus, a script. `direct` where it is said in direct messages.
    """

    payload: Mapping[str, Any]
    others: bool = False
    operates: bool = False
    starts: bool = True
    urgent: bool = False
    opus: bool = False
    script: bool = False
    direct: bool = False


def slash(text: str) -> Mapping[str, Any]:
    return {"channel_id": OPS, "text": text}


def mention(text: str, channel: str = OPS, thread: str | None = None) -> Mapping[str, Any]:
    event = {"type": "message", "channel": channel, "ts": "1800000000.000100", "text": text}
    return {"team_id": TEAM, "event": event | ({"thread_ts": thread} if thread else {})}


def press(action: str, value: int | str, label: str) -> Mapping[str, Any]:
    return {
        "channel": {"id": OPS},
        "container": {"message_ts": THREAD},
        "actions": [{"action_id": action, "value": str(value), "text": {"text": label}}],
    }


def at_home(action: str, value: int | str, label: str) -> Mapping[str, Any]:
    return {"view": {"type": "home"}, "actions": press(action, value, label)["actions"]}


_SAID: Final = {
    "a task": ("p5 tidy", Way({})),
    "an urgent task": ("p1 model=haiku tidy", Way({}, urgent=True)),
    "a task on Opus": ("p9 model=opus tidy", Way({}, opus=True)),
    "a script": ("run status", Way({}, script=True)),
    "cancel": (f"cancel {QUEUED}", Way({}, others=True, starts=False)),
    "retry": (f"retry {CANCELLED}", Way({}, others=True)),
    "bump": (f"bump {QUEUED}", Way({}, others=True)),
    "hold": (f"hold {HELD}", Way({}, others=True, starts=False)),
    "pause": ("pause", Way({}, operates=True, starts=False)),
    "resume": ("resume", Way({}, operates=True, starts=False)),
}
WAYS: Final[Mapping[str, Way]] = {
    **{f"/task: {name}": replace(way, payload=slash(text)) for name, (text, way) in _SAID.items()},
    **{
        f"mention: {name}": replace(way, payload=mention(f"<@{ME.user}> {text}"))
        for name, (text, way) in _SAID.items()
    },
    **{
        f"direct message: {name}": replace(way, payload=mention(text, "D0DIRECT1"), direct=True)
        for name, (text, way) in _SAID.items()
    },
    "words in a thread": Way(mention("payments", thread=THREAD), others=True),
    "words to us in a thread": Way(mention(f"<@{ME.user}> payments", thread=THREAD)),
    "words in a steered thread": Way(mention("and the wiki", thread=STEERED), others=True),
    "words to us in a steered thread": Way(mention(f"<@{ME.user}> and the wiki", thread=STEERED)),
    "button: cheaper": Way(press("cheaper", HELD, "Run on Haiku"), others=True),
    "button: another cap": Way(press("another_cap", STOPPED, "Another $3"), others=True),
    "button: bump": Way(press("bump", QUEUED, "Bump to p8"), others=True),
    "button: hold": Way(press("hold", QUEUED, "Hold"), others=True, starts=False),
    "button: cancel": Way(press("cancel", QUEUED, "Cancel"), others=True, starts=False),
    "button: retry": Way(press("retry", CANCELLED, "Retry"), others=True),
    "button: one tier up": Way(press("tier_up", CANCELLED, "One tier up: Sonnet"), others=True),
    "button: answer": Way(press("answer:2", 1, "refunds"), others=True),
    "home: cancel": Way(at_home("cancel", QUEUED, "Cancel"), others=True, starts=False),
    "home: cheaper": Way(at_home("cheaper", HELD, "Run on Haiku"), others=True),
    "home: answer": Way(at_home("answer:2", 1, "refunds"), others=True),
    "home: pause": Way(at_home("pause", "queue", "Pause the queue"), operates=True, starts=False),
    "home: resume": Way(at_home("resume", "queue", "Resume the queue"), operates=True, starts=False),
    "button: follow": Way(press("follow", TWICE, "Follow #6"), others=True, starts=False),
    "button: acknowledge": Way(
        press("acknowledge_alarm", "starving:opus", "Acknowledge"), operates=True, starts=False
    ),
}


@dataclass
class Door:
    """A queue and the door before it. `changed` tells whether anything has been done since it was opened."""

    store: Store
    folder: Path
    desk: Dispatcher
    guard: Guard
    alarms: FakeAlarms
    intake: Intake
    controls: Controls
    follow_ups: FollowUps
    windows: FakeWindows
    before: object = None

    async def take(self, way: Way, person: str, shared: bool = False) -> None:
        """Delivers the payload as that person's."""
        payload = {**way.payload, "trigger_id": f"1.1.{person}"}
        if shared:
            payload["is_ext_shared_channel"] = True
        if "view" in payload:
            await self.controls.press_at_home({**payload, "user": {"id": person}})
        elif "actions" in payload:
            await self.controls.press({**payload, "user": {"id": person}})
        elif "event" in payload:
            await self.intake.event({**payload, "event": {**payload["event"], "user": person}})
        else:
            await self.intake.slash({**payload, "user_id": person})

    async def answer_to(self, way: Way, person: str) -> str:
        """Delivers it and returns what that person is told in private."""
        if "text" in way.payload:
            payload = {**way.payload, "user_id": person, "trigger_id": f"1.1.{person}"}
            return await self.intake.slash(payload)
        if "view" in way.payload:
            payload = {**way.payload, "user": {"id": person}, "trigger_id": f"1.1.{person}"}
            return await self.controls.press_at_home(payload)
        await self.take(way, person)
        with closing(self._reading()) as raw:
            (body,) = raw.execute(
                "SELECT body FROM delivery WHERE person = ? ORDER BY id DESC", (person,)
            ).fetchone()
        return str(body)

    def state(self) -> object:
        """Everything but what people are told."""
        tables = ("task", "attempt", "history", "question", "gate", "rationed", "retry_request", "paused")
        with closing(self._reading()) as raw:
            rows = [raw.execute(f"SELECT * FROM {table}").fetchall() for table in tables]  # noqa: S608
        return rows, list(self.alarms.acknowledged)

    def _reading(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{(self.folder / 'onequeue.db').as_uri()}?mode=ro", uri=True)

    @property
    def changed(self) -> bool:
        return self.state() != self.before


@asynccontextmanager
async def door(folder: Path, rules: Rules, slack: FakeRegister) -> AsyncIterator[Door]:
    clock = FakeClock()
    (folder / "onequeue.db").write_bytes(await _furnished())
    store = await Store.open(folder / "onequeue.db")
    try:
        desk = front_desk(store, clock, TERMS)
        rights = TeamRights(rules, Directory(slack, TEAM, clock), DEFAULT_TABLE)
        guard, alarms, notifier = (
            Guard(desk.dispatcher, rights, DEFAULT_TABLE),
            FakeAlarms(),
            CountingNotifier(),
        )
        nobody: Any = None
        intake = Intake(
            guard,
            desk.books,
            store.outbox,
            notifier,
            nobody,
            clock,
            ME,
            TERMS.zone,
            lambda _: 5,
            rights,
            Scripts({"status": ScriptSettings(run=("/bin/true",))}),
            steers_in=lambda _: True,
        )
        guarded = GuardedAlarms(alarms, rights)
        windows = FakeWindows()
        follow_ups = FollowUps(intake, guard, windows, DEFAULT_TABLE)
        controls = Controls(guard, store.outbox, notifier, guarded, clock, DEFAULT_TABLE, follow_ups)
        opened = Door(store, folder, desk.dispatcher, guard, alarms, intake, controls, follow_ups, windows)
        opened.before = opened.state()
        yield opened
    finally:
        await store.close()


_MADE: Final[list[bytes]] = []


async def _furnished() -> bytes:
    """The database of a furnished queue, made once."""
    if not _MADE:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "onequeue.db"
            store = await Store.open(path)
            await _furnish(store, FakeClock())
            await store.close()
            _MADE.append(path.read_bytes())
    return _MADE[0]


async def _furnish(store: Store, clock: FakeClock) -> None:
    """ana's tasks, and a gate that an operator may open."""
    now = clock.now()

    async def ask(number: int, priority: int, thread: str = THREAD, words: str = "words") -> None:
        new = NewTask(f"seed:{number}", Source.MENTION, ANA, words, priority, channel=OPS, thread=thread)
        await store.queue.enqueue(new, route(priority, None, None, DEFAULT_TABLE), now)

    async def claim(tier: Tier) -> Claim:
        found = await store.queue.claim(tier, Seating(9), now + timedelta(hours=1), now)
        assert found is not None
        return found

    await ask(QUEUED, 9)
    await ask(HELD, 6)
    short = Purse(Budgets(tiers={Tier.SONNET: 1_000_000}), now, now + timedelta(hours=12))
    assert await store.queue.claim(Tier.SONNET, Seating(9), now, now, short) is None
    await ask(STOPPED, 6)
    spent = Outcome(Verdict.FAILED, "half", fault=Fault(FaultKind.OVER_CAP))
    await store.queue.settle(await claim(Tier.SONNET), spent, Settlement(State.FAILED), now)
    await ask(ASKING, 6)
    question = NewQuestion(QuestionKind.QUESTION, "which?", options=("payments", "refunds"))
    asking = await claim(Tier.SONNET)
    await store.questions.ask(asking, question, now + timedelta(hours=4), now)
    asked = Outcome(Verdict.ASKED, conversation=b"x")
    await store.queue.settle(asking, asked, Settlement(State.WAITING), now)
    await ask(CANCELLED, 9)
    await store.queue.cancel(CANCELLED, ANA, now)
    await ask(6, 4)
    await ask(RUNS, 6, STEERED, "drain it")
    assert (await claim(Tier.SONNET)).task.id == RUNS
    shut = Gate(
        name="account", state=GateState.CLOSED, fault=FaultKind.AUTHENTICATION, closed_at=now, faults=1
    )
    broken, opus = Outcome(Verdict.FAILED, fault=Fault(FaultKind.AUTHENTICATION)), await claim(Tier.OPUS)
    again = NewTask(f"seed:{TWICE}", Source.SLASH, ANA, "words", 9, channel=OPS, unless_alike=True)
    await store.queue.enqueue(again, route(9, None, None, DEFAULT_TABLE), now)
    await ask(ANSWERED, 5)
    answered = Outcome(Verdict.ANSWERED, "It was the pool.", "claude-sonnet-5-5")
    await store.queue.settle(await claim(Tier.SONNET), answered, Settlement(State.DONE), now)
    await store.queue.settle(opus, broken, Settlement(State.QUEUED, gates=(shut,)), now)
