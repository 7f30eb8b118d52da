"""The command line. Exit 0 on success, 2 on bad usage, 1 otherwise."""

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from bot import bill
from bot.config import ConfigError, Settings, load
from bot.console import Ask, Misused
from bot.doctor import report
from bot.doctor.finding import Finding, failure, in_one_line, ok
from bot.doctor.report import safe
from bot.grammar import Period
from bot.manifest import written
from bot.printing import PRINTERS
from bot.records import Record
from bot.transcripts import printed, whole
from dispatch.errors import OnequeueError

_FAILED, _BAD_USAGE = 1, 2


class Composition(Protocol):
    """What the composition root offers the commands."""

    async def run(self, settings: Settings) -> None:
        """Bot and dispatcher in one process, until SIGTERM."""
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
    given = _parser().parse_args(arguments)
    if given.command == "show" and given.attempt and not given.transcript:
        return _say("--attempt says whose --transcript to show; give both", _BAD_USAGE)
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
            print("onequeue: nothing is running: it waits for `onequeue run`", file=sys.stderr)
            return record
        return await ask("wait", {"task": str(record["id"])}) if given.wait else record


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onequeue",
        description="One durable queue for a team's tasks, routed by priority to Claude, from Slack.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_services(commands.add_parser)
    _add_verbs(commands.add_parser)
    return parser


def _add_services(command: Callable[..., argparse.ArgumentParser]) -> None:
    rehearse = command("try", help="try everything in a browser: simulated Slack, simulated Claude, no token")
    rehearse.add_argument("--port", type=_port, default=0, help="of the page (default: any free one)")
    rehearse.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")
    command("run", help="run bot and dispatcher until SIGTERM")
    doctor = command(
        "doctor",
        help="check everything a silent app may lack, and say how to put it right",
        description="Checks settings, tokens, scopes, channels, events, models, prices, database and "
        "machine, beside a running Onequeue or without one. To see events arrive it posts one message to an "
        "operator or the operators' channel and deletes it. It costs nothing. Exit 1 where anything fails; "
        "warnings and what cannot be checked do not count.",
    )
    doctor.add_argument("--json", action="store_true", help="print JSON")
    manifest = command(
        "manifest",
        help="print the app's manifest, to paste into Slack",
        description="Prints the manifest: at api.slack.com/apps choose Create New App, From a manifest.",
    )
    manifest.add_argument(
        "--http",
        type=_https,
        metavar="URL",
        help="for HTTP mode: Slack sends its requests to URL/slack/events, an address that it reaches by "
        "https and that is passed on to [slack] http; no sockets, no app token",
    )
    manifest.add_argument(
        "--minimal",
        action="store_true",
        help="read no channels. What is lost: in channels and group messages an answer to its question needs "
        "a mention or a button, a task in a thread is not given what was said there before, and a message "
        "that Slack may or may not have taken is posted again without looking. Direct messages are as before",
    )


def _add_verbs(command: Callable[..., argparse.ArgumentParser]) -> None:
    def verb(name: str, text: str) -> argparse.ArgumentParser:
        parser = command(name, help=text, description=text)
        parser.add_argument("--json", action="store_true", help="print JSON")
        return parser

    add = verb("add", "queue a task, such as: onequeue add p3 investigate stall")
    add.add_argument("text", nargs="+", help="[p1-p10] [model=...] [max=$2] [by=18:00] [repo=...] what to do")
    add.add_argument("--repo", type=_project, metavar="PROJECT", help="the project it works on")
    add.add_argument("--wait", action="store_true", help="until it has ended, then print the answer")
    add.add_argument("--key", default="", help="a name for this request: the same key queues it only once")
    verb("list", "the tasks that have not ended, and what they wait for")
    verb("pause", "let nothing new start; what runs goes on")
    verb("resume", "let a paused queue go on, and one task try at once where all wait")
    number = "the task's number, such as 42"
    show = verb("show", "one task, its attempts and its answer")
    show.add_argument("task", type=_task_number, help=number)
    show.add_argument("--history", action="store_true", help="every move too: when, what, who and why")
    show.add_argument("--transcript", action="store_true", help="what happened in an attempt, step by step")
    show.add_argument("--attempt", type=_attempt_number, help="which attempt (default: the newest)")
    for name, text in (
        ("cancel", "cancel a task; stops it if it runs"),
        ("retry", "queue an ended task again"),
        ("bump", "make a waiting task one priority more urgent"),
        ("lower", "make a waiting task one priority less urgent"),
        ("hold", "let a task wait until it is released"),
        ("release", "let a held task go on, in its place"),
    ):
        verb(name, text).add_argument("task", type=_task_number, help=number)
    cost = verb("cost", "what was spent")
    cost.add_argument("period", nargs="?", choices=[*map(str, Period)], default=Period.TODAY)
    cost.add_argument("--csv", action="store_true", help="print a line for each task, for a spreadsheet")
    cost.add_argument("--from", dest="first", type=_day, help="with --csv: YYYY-MM-DD")
    cost.add_argument("--to", dest="last", type=_day, help="with --csv: YYYY-MM-DD, that day too")
    digest = verb("digest", "the digest of a day")
    digest.add_argument("--date", type=_day, help="YYYY-MM-DD (default: yesterday)")
    digest.add_argument("--post", action="store_true", help="post it too, unless that day has been posted")
    backup = verb("backup", "copy the database into a new file, also while it is in use")
    backup.add_argument("file", type=Path, metavar="FILE", help="must not be there yet")


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
    return int(text)


def _https(text: str) -> str:
    if not re.fullmatch(r"https://[^\s/?#]+(/[^\s?#]*)?", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} will not do: give an address such as https://bot.example.com"
        )
    return text


def _project(text: str) -> str:
    if text.split() != [text]:
        raise argparse.ArgumentTypeError(f"{text!r} is no project: give its name, such as payments")
    return text


def _attempt_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is no attempt: give its number, such as 2")
    return int(text)


def _task_number(text: str) -> int:
    number = text.removeprefix("#")
    if not (number.isascii() and number.isdecimal()) or not 0 < int(number) < 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no task number: give one such as 42")
    return int(number)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: give one such as 2026-11-23") from None
