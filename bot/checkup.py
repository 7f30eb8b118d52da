"""The composition root's doctor: each check on the real adapters."""

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from bot.app import LINES
from bot.config import ConfigError, Settings
from bot.doctor import claude, line, machine, slack
from bot.doctor.examination import LIMIT, Check, examine
from bot.doctor.finding import Finding
from bot.doctor.line import Place
from bot.doctor.ports import Vital
from bot.doctor.report import safe
from bot.local import socket_path
from bot.manifest import READS_CHANNELS, manifest
from bot.probes import ClaudeProbe, Probes, SlackProbe
from bot.readings import disk_of
from bot.service import needed, refuse_clashes
from bot.supervisor import Supervisor
from bot.vitals import RunningOnequeue
from bot.works import rates
from dispatch.budget import Standing
from dispatch.clock import SystemClock
from dispatch.errors import OnequeueError
from dispatch.gateway import SILENCE
from dispatch.ports import Condition
from dispatch.pricing import PriceList
from dispatch.runners.claude_code import ClaudeCodeRunner, Level, find
from dispatch.store import Store, condition
from dispatch.usage import EACH_KIND, Unpriced
from dispatch.watch import MEGABYTE

_REQUEST_SECONDS: Final = 8.0
_TO_CHECK: Final = 6.0
_TO_ANSWER: Final = 3.0


async def examination(settings: Settings, limit: float = LIMIT) -> Sequence[Finding]:
    """Everything that these settings need, looked at side by side. Beside a running Onequeue or without."""
    running = RunningOnequeue(socket_path(settings.database))
    vital = await _vital(running)
    async with Probes(_REQUEST_SECONDS) as probes:
        found = await examine(_checks(settings, probes, running, vital), limit)
    return safe(found, settings.secrets)


async def _vital(running: RunningOnequeue) -> Vital | None:
    try:
        async with asyncio.timeout(_TO_ANSWER):
            return await running.vital()
    except (OnequeueError, TimeoutError):
        return None


def _checks(
    settings: Settings, probes: Probes, running: RunningOnequeue, vital: Vital | None
) -> Mapping[str, Check]:
    clock, conf = SystemClock(), settings.slack
    asked = SlackProbe(probes, conf.api_url, conf.bot_token, conf.app_token)
    model_api = ClaudeProbe(probes, settings.anthropic.base_url, settings.anthropic.api_key)
    scopes = frozenset(manifest()["oauth_config"]["scopes"]["bot"])
    of_channels = frozenset(READS_CHANNELS.values())
    terms = settings.terms
    told = frozenset(filter(None, (terms.digest_channel, terms.operators_channel, *terms.channel_digests)))
    tiers = {tier.value: rule.model for tier, rule in settings.table.items()}
    least = settings.watch.disk_free_mb * MEGABYTE
    checks: dict[str, Check] = {
        "secrets": partial(machine.secrets, partial(settings.need, *needed(settings))),
        "slack token": partial(slack.token, asked, scopes, of_channels, clock.now),
        "slack line": _line(settings, asked, running if vital and vital.in_slack else None),
        "channels": partial(slack.channels, asked, _named(settings), told, bool(terms.operators_channel)),
        "slash command": slack.command,
        "models": partial(claude.models, model_api, tiers, bool(settings.anthropic.api_key)),
        "prices": partial(claude.prices, tiers, _unpriced(settings), settings.token_caps),
        "database": partial(machine.database, partial(_condition, settings.database), vital is not None),
        "disk": partial(machine.disk, partial(disk_of, settings.database), least),
        "budget": partial(machine.budget, terms.budgets, partial(_standing, settings)),
        "zone": partial(machine.zone, settings.zone, clock.now()),
        "timeouts": partial(machine.timeouts, _clashes(settings)),
    }
    if settings.has_agents:
        bare = settings.claude_code.isolation == "none"
        checks["agents"] = partial(machine.agents, _version, partial(_isolation, settings), bare)
    return checks


def _line(settings: Settings, asked: SlackProbe, running: RunningOnequeue | None) -> Check:
    clock, http = SystemClock(), settings.slack.http
    person = min(settings.operators.people, default="")
    place = Place(person, settings.terms.operators_channel, frozenset(READS_CHANNELS.values()))
    if running is not None:
        return partial(line.of_running, running, asked, place, clock, 1 if http else LINES)
    return partial(line.of_nothing, http) if http else partial(line.over_socket, asked, place, clock)


def _named(settings: Settings) -> Mapping[str, str]:
    """The channels that the settings name, each with the settings that do."""
    named: dict[str, str] = {}
    for channel, setting in (
        (settings.digest.channel, "digest.channel"),
        (settings.operators.channel, "operators.channel"),
        *((name, f"channels.{name}") for name in settings.channels),
    ):
        if channel:
            named[channel] = f"{named[channel]} and {setting}" if channel in named else setting
    return named


def _unpriced(settings: Settings) -> "partial[str]":
    prices = PriceList(SystemClock().now, rates(settings))
    return partial(_why, prices)


def _why(prices: PriceList, model: str) -> str:
    price = prices(model, EACH_KIND)
    return price.reason if isinstance(price, Unpriced) else ""


async def _condition(path: Path) -> Condition:
    return await asyncio.to_thread(condition, path, _TO_CHECK)


async def _standing(settings: Settings) -> Standing | None:
    if not settings.database.exists():
        return None
    store = await Store.read_only(settings.database)
    try:
        purse = settings.terms.purse(SystemClock().now())
        return await store.ledger.standing(purse.since, purse.resets_at)
    finally:
        await store.close()


def _clashes(settings: Settings) -> Iterator[str]:
    try:
        refuse_clashes(settings, SILENCE, Supervisor().watchdog)
    except ConfigError as error:
        yield from (clash.strip() for clash in str(error).splitlines()[1:])


async def _version() -> str:
    """What Claude Code says of itself; empty where there is none or it does not run."""
    program = find()
    if program is None:
        return ""
    process = await asyncio.create_subprocess_exec(
        program,
        "--version",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": tempfile.gettempdir(),
            "DISABLE_AUTOUPDATER": "1",
        },
    )
    try:
        said, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return said.decode(errors="replace").strip() if process.returncode == 0 else ""


async def _isolation(settings: Settings) -> tuple[bool, str]:
    runner = ClaudeCodeRunner(settings.agents_folder / "runs", SystemClock(), settings.zone)
    found = await runner.isolation()
    return found.level is not Level.NONE, found.words
