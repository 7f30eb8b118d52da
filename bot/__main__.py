"""The composition root: the only place that names an adapter."""

import asyncio
import logging
import os
import random
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from bot import cli
from bot.app import Sockets, build
from bot.bulletins import Bulletins
from bot.chat import SlackChat
from bot.config import ConfigError, PriceSettings, Settings
from bot.console import Ask, Console
from bot.courier import Courier
from bot.intake import Intake
from bot.letters import Letters
from bot.local import LocalDoor, ask_running, socket_path
from bot.manifest import manifest
from bot.ports import ChatError, Identity, Refused
from bot.postman import Postman
from bot.quotes import ThreadQuotes
from bot.rehearsal.stage import Stage
from bot.service import log_to_stderr, stop_signals
from dispatch.books import Books
from dispatch.clock import SystemClock
from dispatch.dispatcher import Dispatcher
from dispatch.errors import StoreBusy
from dispatch.gateway import MeteringGateway, Upstream
from dispatch.means import RunnerName
from dispatch.places import Worktrees
from dispatch.pricing import PriceList, Rates
from dispatch.runners.choice import Choice
from dispatch.runners.claude_code import ClaudeCodeRunner
from dispatch.runners.messages import MessagesRunner
from dispatch.runners.placed import Placed
from dispatch.schedule import Schedule, Tick
from dispatch.seats.local import LocalSeats
from dispatch.store import Store
from dispatch.task import MICRO_USD
from dispatch.worker import LEASE, Worker

_NEEDED = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ANTHROPIC_API_KEY")
_SECOND, _HOUR = 1.0, 3600.0
_REACH_SECONDS, _REACH_AGAIN = 5.0, 0.1
_SLACK_AGAIN = 5.0
_log = logging.getLogger("bot")


class Building:
    """Everything but Slack: the queue and what runs it, on one open database."""

    def __init__(self, settings: Settings, store: Store, chat: SlackChat) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock = SystemClock()
        terms = settings.terms
        prices = PriceList(clock.now, {model: _rates(price) for model, price in settings.prices.items()})
        letters = Letters(store.queue, chat, lambda due: self.bulletins.of(due), settings.secrets)
        postman = Postman(letters, store.outbox, store.queue, chat, clock)
        self.courier = Courier(store.outbox, store.queue, chat, postman, clock)
        self.gateway = MeteringGateway(
            Upstream(settings.anthropic.base_url, settings.anthropic.api_key),
            store.queue,
            store.ledger,
            prices,
            terms.token_caps,
            lambda *asked: self.dispatcher.follow_up(*asked),
            clock,
        )
        self.agents = ClaudeCodeRunner(
            settings.agents_folder / "runs",
            clock,
            settings.zone,
            bare=settings.claude_code.isolation == "none",
        )
        self.worktrees = Worktrees(settings.agents_folder / "places", _plain_environment())
        self.worker = Worker(
            store.queue,
            store.gates,
            self.gateway,
            LocalSeats(
                Choice(
                    {
                        RunnerName.MESSAGES: MessagesRunner(),
                        RunnerName.CLAUDE_CODE: Placed(self.agents, self.worktrees),
                    }
                )
            ),
            ThreadQuotes(chat),
            self.courier,
            clock,
            terms,
            random.random,
        )
        self.dispatcher = Dispatcher(
            store.queue, store.gates, self.worker, self.courier, clock, prices, terms
        )
        self.books = Books(
            store.queue, store.ledger, store.outbox, store.digests, self.courier, clock, prices, terms
        )
        self.bulletins = Bulletins(self.books, chat)
        self.console = Console(self.dispatcher, self.books, clock, settings.default_priority, store)

    def schedule(self) -> Schedule:
        """What happens by the clock."""
        keep = self.settings.retention
        return Schedule(
            [
                Tick("safety", _SECOND, self._wake),
                Tick("tend", _SECOND, self.dispatcher.tend),
                Tick("budgets", 5 * _SECOND, self.books.warn),
                Tick("sweep", LEASE.total_seconds() / 3, self.dispatcher.sweep),
                Tick("digest", 30 * _SECOND, self.books.tell_digest),
                Tick("retention", _HOUR, lambda: self.store.retention.forget(keep, self.clock.now())),
                Tick("housekeeping", _HOUR, self.store.database.tidy),
            ]
        )

    async def _wake(self) -> None:
        self.worker.wake()
        self.courier.wake()

    async def _clear_up(self) -> None:
        """Removes what agents left when Onequeue was killed, processes first, and keeps their work."""
        runs = await self.agents.sweep()
        places = await self.worktrees.sweep()
        if runs or places:
            _log.warning("removed what %d sessions and %d worktrees had left", runs, places)
        if self.settings.has_agents:
            isolation = await self.agents.isolation()
            _log.info("agents are shut in like this: %s", isolation.words)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Runs it all. At the end sessions get a grace period, and what is due to people a last try."""
        await self.books.open()
        recovered = await self.dispatcher.start()
        if recovered:
            _log.warning("%d tasks were running when Onequeue stopped; they are queued again", recovered)
        await self._clear_up()
        await self.gateway.start()
        door = LocalDoor(socket_path(self.settings.database), self.console.ask)
        schedule = self.schedule()
        async with AsyncExitStack() as closing:
            closing.push_async_callback(self.gateway.close)
            closing.push_async_callback(_end, asyncio.create_task(self.courier.run(), name="courier"))
            working = asyncio.create_task(self.worker.run(), name="worker")
            closing.push_async_callback(asyncio.wait, {working})
            grace = timedelta(seconds=self.settings.grace_seconds)
            closing.push_async_callback(self.worker.drain, grace)
            schedule.start()
            closing.callback(schedule.stop)
            await door.open()
            closing.push_async_callback(door.close)
            yield


def _plain_environment() -> dict[str, str]:
    """What a project's setup command is given: none of our keys."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


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


class Root:
    """`cli.Composition` on the real adapters."""

    async def run(self, settings: Settings) -> None:
        """Bot and dispatcher in one process, until SIGTERM or SIGINT."""
        settings.need(*_NEEDED)
        log_to_stderr()
        with stop_signals() as stop:
            async with _in_slack(settings) as building:
                _log.info("ready")
                await stop.wait()
                _log.info("stopping: %d sessions may finish", building.worker.running)
        _log.info("stopped")

    async def rehearse(self, settings: Settings, port: int, browser: bool) -> None:
        """The same between a simulated Slack and Claude, with a page."""
        log_to_stderr()
        logging.getLogger("bot").setLevel(logging.WARNING)
        clock = SystemClock()
        stage = Stage(
            manifest(),
            now=clock.now,
            port=port,
            real_claude=bool(settings.anthropic.api_key),
            zone=settings.timezone,
        )
        async with AsyncExitStack() as closing:
            folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="onequeue-"))
            stop = closing.enter_context(stop_signals())
            await stage.start()
            closing.push_async_callback(stage.close)
            rehearsed = _rehearsed(settings, stage, Path(folder) / "onequeue.db")
            building = await closing.enter_async_context(_in_slack(rehearsed))
            stage.on_digest(lambda: building.books.post_digest(building.books.today()))
            _welcome(stage)
            if browser:
                webbrowser.open(stage.slack.url)
            await stop.wait()

    @asynccontextmanager
    async def console(self, settings: Settings) -> AsyncIterator[tuple[Ask, bool]]:
        """The running process, if there is one; else the database itself."""
        store = await _open_or_busy(settings.database)
        if store is None:
            yield partial(ask_running, socket_path(settings.database)), True
            return
        try:
            chat = SlackChat(settings.slack.bot_token, settings.slack.api_url)
            yield Building(settings, store, chat).console.ask, False
        finally:
            await store.close()


async def _open_or_busy(path: Path) -> Store | None:
    clock = SystemClock()
    given_up = clock.now() + timedelta(seconds=_REACH_SECONDS)
    while True:
        try:
            return await Store.open(path)
        except StoreBusy:
            if socket_path(path).exists():
                return None
            if clock.now() > given_up:
                raise
        await clock.sleep(_REACH_AGAIN)


@asynccontextmanager
async def _in_slack(settings: Settings) -> AsyncIterator[Building]:
    store = await Store.open(settings.database)
    try:
        chat = SlackChat(settings.slack.bot_token, settings.slack.api_url)
        building = Building(settings, store, chat)
        async with building.at_work():
            identity = await _identity(chat, building.clock)
            intake = Intake(
                building.dispatcher,
                building.books,
                store.outbox,
                building.courier,
                building.clock,
                identity,
                settings.priority_in,
            )
            slack = settings.slack
            async with (
                _refusals_named("SLACK_APP_TOKEN"),
                Sockets(build(intake, identity), slack.app_token, slack.api_url, building.clock),
            ):
                yield building
    finally:
        await store.close()


async def _identity(chat: SlackChat, clock: SystemClock) -> Identity:
    while True:
        try:
            async with _refusals_named("SLACK_BOT_TOKEN"):
                return await chat.identity()
        except ChatError as error:
            _log.warning("waiting for Slack: %s", error)
        await clock.sleep(_SLACK_AGAIN)


@asynccontextmanager
async def _refusals_named(setting: str) -> AsyncIterator[None]:
    try:
        yield
    except Refused as error:
        raise ConfigError(f"Slack refused {setting}: {error.code}. Put a working one there.") from None


def _rehearsed(settings: Settings, stage: Stage, database: Path) -> Settings:
    slack = settings.slack.model_copy(
        update={
            "bot_token": stage.slack.bot_token,
            "app_token": stage.slack.app_token,
            "signing_secret": stage.slack.signing_secret,
            "api_url": stage.slack.api_url,
        }
    )
    changes: dict[str, object] = {
        "slack": slack,
        "database": database,
        "grace_seconds": 0,
        "digest": settings.digest.model_copy(update={"channel": stage.digest_channel}),
    }
    if stage.claude:
        claude = {"api_key": stage.claude.key, "base_url": stage.claude.url}
        changes["anthropic"] = settings.anthropic.model_copy(update=claude)
    return settings.model_copy(update=changes)


def _welcome(stage: Stage) -> None:
    sides = (
        "Slack and Claude are simulated"
        if stage.claude
        else "Slack is simulated, Claude is real and costs money"
    )
    print(f"Onequeue is at {stage.slack.url}\n{sides}. Ctrl-C ends it.", flush=True)  # noqa: T201


def main() -> None:
    """The `onequeue` command."""
    sys.exit(cli.main(sys.argv[1:], Root()))


if __name__ == "__main__":
    main()
