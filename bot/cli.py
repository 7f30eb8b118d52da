"""The command line. Exit 0 on success, 2 on bad usage, 1 otherwise."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from bot import bill
from bot.arguments import read
from bot.config import ConfigError, Settings, load
from bot.console import Ask, Misused
from bot.doctor import report
from bot.doctor.finding import Finding, failure, in_one_line, ok
from bot.doctor.report import safe
from bot.manifest import written
from bot.printing import PRINTERS
from bot.records import Record
from bot.transcripts import printed, whole
from dispatch.errors import OnequeueError, Unreachable

_FAILED, _BAD_USAGE = 1, 2


class Composition(Protocol):
    """What the composition root offers the commands."""

    async def run(self, settings: Settings) -> None:
        """Bot and dispatcher in one process, until SIGTERM."""
        ...

    async def work(self, settings: Settings) -> None:
        """The dispatcher alone, without Slack, until SIGTERM."""
        ...

    async def rehearse(self, settings: Settings, port: int, browser: bool) -> None:
        """The same between a simulated Slack and Claude, with a page, until SIGTERM."""
        ...

    async def examine(self, settings: Settings) -> Sequence[Finding]:
        """What the doctor finds. Never raises."""
        ...

    def console(self, settings: Settings) -> AbstractAsyncContextManager[tuple[Ask, bool]]:
        """How to ask for a verb, and whether a running process will answer."""
        ...


def main(arguments: Sequence[str], composition: Composition) -> int:
    """Does one command; its exit status."""
    given = read(arguments)
    if given.command == "show" and given.attempt and not given.transcript:
        return _say("--attempt says whose --transcript to show; give both", _BAD_USAGE)
    if given.command == "show" and given.history and given.transcript:
        return _say("--history and --transcript show a task in two ways; give one of them", _BAD_USAGE)
    if given.command == "cost" and given.csv and given.json:
        return _say("--csv prints a bill and --json the sums; give one of them", _BAD_USAGE)
    if given.command == "cost" and (given.first or given.last) and not given.csv:
        return _say("--from and --to say which days of the --csv to print; give it too", _BAD_USAGE)
    try:
        if given.command == "manifest":
            print(written(given.http, minimal=given.minimal), end="")
            return 0
        if given.command == "doctor":
            return _tell(asyncio.run(_examined(composition)), as_json=given.json)
        return asyncio.run(_do(given, load(), composition))
    except Misused as error:
        return _say(str(error), _BAD_USAGE)
    except (ConfigError, OnequeueError) as error:
        return _say(str(error), _FAILED)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read has seen enough. What is still unwritten must not fail once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _say(text: str, status: int) -> int:
    print(f"onequeue: {text}", file=sys.stderr)
    return status


async def _examined(composition: Composition) -> Sequence[Finding]:
    name, did = "settings", "read onequeue.toml and the environment"
    try:
        settings = load()
    except ConfigError as error:
        return safe([failure(name, did, in_one_line(str(error)), "Put them right; nothing else was checked")])
    return [ok(name, did, "they can be used"), *await composition.examine(settings)]


def _tell(findings: Sequence[Finding], *, as_json: bool) -> int:
    print(json.dumps(report.record(findings), indent=2) if as_json else report.printed(findings))
    return 0 if report.well(findings) else _FAILED


async def _do(given: argparse.Namespace, settings: Settings, composition: Composition) -> int:
    match given.command:
        case "run":
            await composition.run(settings)
        case "worker":
            await composition.work(settings)
        case "try":
            await composition.rehearse(settings, given.port, given.browser)
        case "show" if given.transcript:
            async with composition.console(settings) as (ask, _):
                await _print_transcript(_pages(ask, given), settings.zone, as_json=given.json)
        case "cost" if given.csv:
            async with composition.console(settings) as (ask, _):
                days = {"period": given.period, "from": given.first or "", "to": given.last or ""}
                async for part in bill.written(ask, days):
                    print(part, end="", flush=True)
        case verb:
            record = await _ask(verb, given, settings, composition)
            print(json.dumps(record, indent=2) if given.json else PRINTERS[verb](record, settings.zone))
            return _FAILED if verb == "add" and given.wait and record["state"] != "done" else 0
    return 0


async def _ask(verb: str, given: argparse.Namespace, settings: Settings, composition: Composition) -> Record:
    if verb == "backup" and not settings.database.exists():
        raise ConfigError(
            f"{settings.database}: there is no database to back up; name it in ONEQUEUE_DATABASE"
        )
    async with composition.console(settings) as (ask, running):
        record = await ask(verb, _words(given))
        if verb != "add":
            return record
        if not running:
            print("onequeue: nothing is running: it waits for `onequeue run` or `worker`", file=sys.stderr)
            return record
        return await _ended(ask, record["id"]) if given.wait else record


async def _ended(ask: Ask, number: object) -> Record:
    try:
        return await ask("wait", {"task": str(number)})
    except Unreachable as error:
        told = f"#{number} is stored, but {error}. `onequeue show {number}` tells what becomes of it"
        raise Unreachable(told) from error


async def _pages(ask: Ask, given: argparse.Namespace) -> AsyncIterator[Record]:
    """The pages of a transcript, all of the attempt that the first one is of."""
    attempt, after = str(given.attempt or ""), 0
    while True:
        page = await ask("transcript", {"task": str(given.task), "attempt": attempt, "after": str(after)})
        yield page
        if page["next"] is None:
            return
        attempt, after = str(cast("Record", page["attempt"])["number"]), cast("int", page["next"])


async def _print_transcript(pages: AsyncIterator[Record], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(whole([page async for page in pages]), indent=2))
        return
    async for page in pages:
        for part in printed(page, zone):
            print(part, flush=True)


def _words(given: argparse.Namespace) -> Mapping[str, str]:
    match given.command:
        case "add":
            front = [] if given.repo is None else [f"repo={given.repo}"]
            return {"text": " ".join([*front, *given.text]), "key": given.key}
        case "show":
            return {"task": str(given.task), "history": "yes" if given.history else ""}
        case "cancel" | "retry" | "bump" | "lower" | "hold" | "release":
            return {"task": str(given.task)}
        case "cost":
            return {"period": given.period}
        case "backup":
            return {"file": str(given.file.absolute())}
        case "digest":
            return {"date": given.date or "", "post": "yes" if given.post else ""}
        case _:
            return {}
