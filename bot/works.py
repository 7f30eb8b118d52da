"""The queue and what runs it, put together on real adapters, whoever it reaches."""

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from bot.agents import room, seated
from bot.config import Settings
from bot.console import Console
from bot.crier import Teller
from bot.deadman import DeadMan
from bot.local import LocalDoor, socket_path
from bot.readings import Instruments, disk_of
from bot.redact import redact
from bot.scripts import Scripts
from bot.sections import PriceSettings
from bot.vitals import Vitals
from bot.voice import Voice
from bot.watch import Watch
from dispatch.asking import Asking
from dispatch.books import Books
from dispatch.dispatcher import Dispatcher
from dispatch.gateway import MeteringGateway, Upstream
from dispatch.means import RunnerName
from dispatch.places import Worktrees
from dispatch.ports import Clock, Files, Notifier, Quotes, Runner, Session
from dispatch.pricing import PriceList, Rates
from dispatch.runners.choice import Choice
from dispatch.runners.claude_code import ClaudeCodeRunner, JailedSetups
from dispatch.runners.placed import Placed
from dispatch.runners.script import ScriptRunner
from dispatch.runners.transcribed import Transcribed
from dispatch.schedule import Schedule, Tick
from dispatch.seats.local import LocalSeats
from dispatch.seats.machine import cores, memory_bytes
from dispatch.store import Store
from dispatch.task import Outcome
from dispatch.terms import Terms
from dispatch.timeouts import LAST_WORDS
from dispatch.usage import MICRO_USD
from dispatch.watch import MEGABYTE, Bounds
from dispatch.work import Work
from dispatch.worker import LEASE, Worker

SECOND = 1.0
_HOUR = 3600.0
_log = logging.getLogger("bot")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far it reaches people: who is told that something is due, and gets what their requests refer to.

    `shown` wraps a runner whose answers may be seen while they are written. `voice` is None and `lines`
    zero where Slack is not there.
    """

    notifier: Notifier
    quotes: Quotes
    files: Files
    shown: Callable[[Runner], Runner]
    teller: Teller
    voice: Voice | None
    lines: int


class Works:
    """The queue and what runs it, on one open database, for the people within `reach`."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, terms: Terms, reach: Reach) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.terms = terms
        self._reach = reach
        prices = PriceList(clock.now, rates(settings))
        strike = partial(redact, secrets=settings.secrets)
        self.asking = Asking(store.questions, store.queue, reach.notifier, clock, terms, strike)
        self.gateway = MeteringGateway(
            Upstream(
                settings.anthropic.base_url,
                settings.anthropic.api_key,
                timedelta(seconds=settings.anthropic.silence_seconds),
            ),
            store.queue,
            store.ledger,
            prices,
            terms.token_caps,
            lambda *asked: self.dispatcher.follow_up(*asked),
            self.asking.ask,
            clock,
        )
        self.agents = ClaudeCodeRunner(
            settings.agents_folder / "runs",
            clock,
            settings.zone,
            bare=settings.claude_code.isolation == "none",
        )
        bare = _plain_environment() if settings.claude_code.isolation == "none" else None
        setups = JailedSetups(settings.agents_folder / "runs", self.agents.isolation, bare)
        self.worktrees = Worktrees(settings.agents_folder / "places", setups)
        models = Choice(
            {
                RunnerName.MESSAGES: reach.shown(_Messages()),
                RunnerName.CLAUDE_CODE: Placed(self.agents, self.worktrees),
            }
        )
        self.worker = Worker(
            store.queue,
            store.gates,
            self.gateway,
            LocalSeats(
                Transcribed(models, store.transcripts, clock, strike),
                ScriptRunner(os.environ.get("PATH", os.defpath), str(Path.home())),
            ),
            reach.quotes,
            reach.notifier,
            clock,
            terms,
            random.random,
            reach.files,
        )
        self.dispatcher = Dispatcher(
            store.queue, store.gates, self.worker, self.asking, reach.notifier, clock, prices, terms
        )
        self.books = Books(
            store.queue, store.ledger, store.outbox, store.digests, reach.notifier, clock, prices.at, terms
        )
        self.scripts = Scripts(settings.scripts)
        self.console = Console(
            self.dispatcher,
            self.books,
            clock,
            settings.default_priority,
            terms.zone,
            store,
            self.scripts,
        )
        self.vitals = Vitals(self.console.ask, in_slack=reach.lines > 0)
        disk = partial(disk_of, settings.database)
        self.watch = Watch(
            Instruments(store.queue, store.gates, store.alarms, disk, clock, settings.secrets),
            store.alarms,
            reach.teller,
            reach.voice,
            clock,
            Bounds(
                terms,
                LEASE,
                reach.lines,
                settings.watch.tokens,
                settings.watch.disk_free_mb * MEGABYTE,
            ),
        )

    def schedule(self) -> Schedule:
        """What happens by the clock."""
        return Schedule(self.ticks())

    def ticks(self) -> Sequence[Tick]:
        """What is done again and again, and how often."""
        keep = self.settings.retention
        return [
            Tick("safety", SECOND, self._wake),
            Tick("tend", SECOND, self.dispatcher.tend),
            Tick("budgets", 5 * SECOND, self.books.warn),
            Tick("sweep", LEASE.total_seconds() / 3, self.dispatcher.sweep),
            Tick("retention", _HOUR, lambda: self.store.retention.forget(keep, self.clock.now())),
            Tick("housekeeping", _HOUR, self.store.database.tidy),
        ]

    async def _wake(self) -> None:
        self.worker.wake()
        self._reach.notifier.wake()

    async def _clear_up(self) -> None:
        """Removes what agents left when Onequeue was killed, processes first, and keeps their work."""
        runs = await self.agents.sweep()
        places = await self.worktrees.sweep(self._note_work)
        if runs or places:
            _log.warning("removed what %d sessions and %d worktrees had left", runs, places)
        if self.settings.has_agents:
            isolation = await self.agents.isolation()
            _log.info("agents are shut in like this: %s", isolation.words)
            seats = ", ".join(f"{rule.seats} {tier}" for tier, rule in self.terms.table.items())
            _log.info("seats, agents among them: %s", seats)

    async def _note_work(self, task_id: int, attempt: int, work: Work) -> None:
        await self.store.queue.note_work(task_id, attempt, work, self.clock.now())

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Whatever becomes due to people is sent meanwhile: here nothing is."""
        yield

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Runs it all. At the end sessions get a grace period, and what is due to people a last try."""
        # Loaded before anybody waits for anything.
        _messages()
        await self.books.open()
        recovered = await self.dispatcher.start()
        if recovered:
            _log.warning("%d tasks were running when Onequeue stopped; they are queued again", recovered)
        await self._clear_up()
        await self.gateway.start()
        door = LocalDoor(socket_path(self.settings.database), self.vitals.ask)
        schedule = self.schedule()
        async with AsyncExitStack() as closing:
            closing.push_async_callback(self.gateway.close)
            await closing.enter_async_context(self.telling())
            working = asyncio.create_task(self.worker.run(), name="worker")
            closing.push_async_callback(asyncio.wait, {working})
            grace = timedelta(seconds=self.settings.grace_seconds)
            stop = timedelta(seconds=self.settings.supervisor_stop_seconds)
            closing.push_async_callback(self.worker.drain, grace, stop - grace - 2 * LAST_WORDS)
            closing.callback(self.asking.hurry)
            schedule.start()
            closing.callback(schedule.stop)
            await door.open()
            closing.push_async_callback(door.close)
            yield

    @asynccontextmanager
    async def watched(self, connected: Callable[[], Awaitable[int]]) -> AsyncIterator[None]:
        """Watches it all from outside the queue; `connected` counts the lines to Slack that are up."""
        async with AsyncExitStack() as closing:
            watching = asyncio.create_task(self.watch.run(connected), name="watch")
            closing.push_async_callback(end, watching)
            if url := self.settings.watch.ping_url:
                switch = DeadMan(url, lambda: self.watch.sound, self.clock)
                closing.push_async_callback(end, asyncio.create_task(switch.run(), name="dead man"))
            yield


def terms_of(settings: Settings) -> Terms:
    """The terms, with no more agents at once than the settings or this machine allow."""
    if not settings.has_agents:
        return settings.terms
    seats = settings.claude_code.seats or room(cores(), memory_bytes())
    fixed = {tier for tier, changed in settings.tiers.items() if changed.seats is not None}
    table = seated(settings.table, fixed, settings.has_agents_anywhere, seats)
    return replace(settings.terms, table=table)


class _Messages:
    """`ports.Runner` whose library is loaded for the first session: it takes longer than all else does."""

    async def run(self, session: Session) -> Outcome:
        """The outcome of a session on the Messages API."""
        return await _messages().run(session)


def _messages() -> Runner:
    from dispatch.runners.messages import MessagesRunner

    return MessagesRunner()


def _plain_environment() -> dict[str, str]:
    """What a setup command that is not shut in is given: none of our keys."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


async def end(task: asyncio.Task[None]) -> None:
    """Cancels it and waits until it is over."""
    task.cancel()
    await asyncio.wait({task})


def rates(settings: Settings) -> Mapping[str, Rates]:
    """The team's own prices, by model."""
    return {model: _rates(price) for model, price in settings.prices.items()}


def _rates(price: PriceSettings) -> Rates:
    def micro_usd(dollars: Decimal | None) -> int | None:
        return None if dollars is None else int(dollars * MICRO_USD)

    return Rates(
        int(price.input * MICRO_USD),
        int(price.output * MICRO_USD),
        micro_usd(price.cache_read),
        micro_usd(price.cache_write_5m),
        micro_usd(price.cache_write_1h),
        micro_usd(price.web_search),
    )
