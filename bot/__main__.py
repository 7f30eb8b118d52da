"""The composition root: the only place that names an adapter."""

import logging
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from bot import cli
from bot.alone import alone
from bot.app import Sockets, build, taking
from bot.board import Board
from bot.building import Building
from bot.chat import SlackChat
from bot.checkup import examination
from bot.config import ConfigError, Settings
from bot.console import Ask
from bot.doctor.finding import Finding
from bot.doors import doors
from bot.ear import Ear
from bot.http import HttpDoor
from bot.local import ask_running, socket_path
from bot.loopguard import LoopGuard
from bot.manifest import manifest
from bot.ports import ChatError, Identity, Refused
from bot.presence import Presence
from bot.rehearsal.history import rehearse_past
from bot.rehearsal.stage import Stage, rehearsed
from bot.sections import listening_at
from bot.service import MODEL_KEY, log_to_stderr, needed, refuse_clashes, stop_signals
from bot.supervisor import READY, STOPPING, Supervisor
from bot.works import Works, rates
from dispatch.clock import SystemClock
from dispatch.errors import StoreBusy
from dispatch.ports import Clock
from dispatch.pricing import PriceList
from dispatch.store import Store

_REACH_SECONDS, _REACH_AGAIN = 5.0, 0.1
_SLACK_AGAIN = 5.0
_log = logging.getLogger("bot")


class Root:
    """`cli.Composition` on the real adapters."""

    async def run(self, settings: Settings) -> None:
        """Bot and dispatcher in one process, until SIGTERM or SIGINT."""
        settings.need(*needed(settings))
        await _serve(settings, _in_slack)

    async def work(self, settings: Settings) -> None:
        """The dispatcher without Slack, until SIGTERM or SIGINT."""
        settings.need(MODEL_KEY)
        await _serve(settings, _without_slack)

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
            between = rehearsed(settings, stage, Path(folder) / "onequeue.db")
            if stage.claude:
                await _give_a_past(between, clock)
            building = await closing.enter_async_context(_in_slack(between))
            stage.on_digest(lambda: building.books.post_digest(building.books.today()))
            _welcome(stage)
            if browser:
                webbrowser.open(stage.slack.url)
            await stop.wait()

    async def examine(self, settings: Settings) -> Sequence[Finding]:
        """What the doctor finds, whether Onequeue runs or not."""
        return await examination(settings)

    @asynccontextmanager
    async def console(self, settings: Settings) -> AsyncIterator[tuple[Ask, bool]]:
        """The running process, if there is one; else the database itself."""
        store = await _open_or_busy(settings.database)
        if store is None:
            yield partial(ask_running, socket_path(settings.database)), True
            return
        try:
            yield alone(settings, store, SystemClock()).console.ask, False
        finally:
            await store.close()


async def _give_a_past(settings: Settings, clock: Clock) -> None:
    """What a simulated Claude costs says nothing of a real one: only beside it is there a past."""
    store = await Store.open(settings.database)
    try:
        price = PriceList(clock.now, rates(settings))
        await rehearse_past(store.queue, store.ledger, price, settings.table, clock.now())
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


async def _serve(
    settings: Settings, opened: Callable[[Settings], AbstractAsyncContextManager[Works]]
) -> None:
    supervisor = Supervisor()
    silence = timedelta(seconds=settings.anthropic.silence_seconds)
    refuse_clashes(settings, silence, supervisor.watchdog)
    log_to_stderr()
    with stop_signals() as stop, LoopGuard():
        async with supervisor.kept_informed(SystemClock()), opened(settings) as works:
            _log.info("ready")
            supervisor.tell(READY, "STATUS=ready")
            await stop.wait()
            stopping = f"stopping: {works.worker.running} sessions may finish"
            _log.info(stopping)
            supervisor.tell(STOPPING, f"STATUS={stopping}")
    _log.info("stopped")


@asynccontextmanager
async def _without_slack(settings: Settings) -> AsyncIterator[Works]:
    store = await Store.open(settings.database)
    try:
        works = alone(settings, store, SystemClock())
        async with works.at_work(), works.watched(_no_line):
            yield works
    finally:
        await store.close()


async def _no_line() -> int:
    return 0


@asynccontextmanager
async def _in_slack(settings: Settings) -> AsyncIterator[Building]:
    store = await Store.open(settings.database)
    try:
        chat = SlackChat(settings.slack.bot_token, settings.slack.api_url)
        building = Building(settings, store, chat, SystemClock())
        async with building.at_work():
            identity = await _identity(chat, building.clock)
            line, board, presence = _line(building, identity)
            building.vitals.line = line
            watched, named = building.watched(line.connected), _refusals_named("SLACK_APP_TOKEN")
            async with watched, board, named, line, presence:
                yield building
    finally:
        await store.close()


def _line(building: Building, me: Identity) -> tuple[Sockets | HttpDoor, Board, Presence]:
    """How Slack's requests arrive, who keeps people's Homes fresh, and what Slack shows of us meanwhile."""
    slack = building.settings.slack
    to = doors(building, me)
    app = build(
        to.intake, to.controls, me, slack.signing_secret, to.board, to.forms, to.presence, to.follow_ups
    )
    if slack.http:
        ear = Ear(building.clock)
        return HttpDoor(taking(app, ear), *listening_at(slack.http), ear), to.board, to.presence
    return Sockets(app, slack.app_token, slack.api_url, building.clock), to.board, to.presence


async def _identity(chat: SlackChat, clock: Clock) -> Identity:
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
