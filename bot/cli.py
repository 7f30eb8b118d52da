"""The command line. Exit 0 on success, 2 on bad usage, 1 otherwise."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path
from typing import Protocol

from bot.config import ConfigError, Settings, load
from bot.console import Ask, Misused
from bot.grammar import Period
from bot.printing import PRINTERS
from bot.records import Record
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

    def console(self, settings: Settings) -> AbstractAsyncContextManager[tuple[Ask, bool]]:
        """How to ask for a verb, and whether a running process will answer."""
        ...


def main(arguments: Sequence[str], composition: Composition) -> int:
    """Does one command; its exit status."""
    given = _parser().parse_args(arguments)
    try:
        return asyncio.run(_do(given, load(), composition))
    except Misused as error:
        return _say(str(error), _BAD_USAGE)
    except (ConfigError, OnequeueError) as error:
        return _say(str(error), _FAILED)
    except KeyboardInterrupt:
        return 130


def _say(text: str, status: int) -> int:
    print(f"onequeue: {text}", file=sys.stderr)
    return status


async def _do(given: argparse.Namespace, settings: Settings, composition: Composition) -> int:
    match given.command:
        case "run":
            await composition.run(settings)
        case "try":
            await composition.rehearse(settings, given.port, given.browser)
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


def _words(given: argparse.Namespace) -> Mapping[str, str]:
    match given.command:
        case "add":
            return {"text": " ".join(given.text), "key": given.key}
        case "show" | "cancel" | "retry" | "bump" | "lower" | "hold" | "release":
            return {"task": str(given.task)}
        case "cost":
            return {"period": given.period}
        case "backup":
            return {"file": str(given.file.absolute())}
        case "digest":
            return {"date": given.date, "post": "yes" if given.post else ""}
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


def _add_verbs(command: Callable[..., argparse.ArgumentParser]) -> None:
    def verb(name: str, text: str) -> argparse.ArgumentParser:
        parser = command(name, help=text, description=text)
        parser.add_argument("--json", action="store_true", help="print JSON")
        return parser

    add = verb("add", "queue a task, such as: onequeue add p3 investigate stall")
    add.add_argument("text", nargs="+", help="[p1-p10] [model=...] [max=$2] [by=18:00] what to do")
    add.add_argument("--wait", action="store_true", help="until it has ended, then print the answer")
    add.add_argument("--key", default="", help="a name for this request: the same key queues it only once")
    verb("list", "the tasks that have not ended, and what they wait for")
    verb("resume", "let one task try at once where all wait, as after a refused key")
    for name, text in (
        ("show", "one task, its attempts and its answer"),
        ("cancel", "cancel a task; stops it if it runs"),
        ("retry", "queue an ended task again"),
        ("bump", "make a waiting task one priority more urgent"),
        ("lower", "make a waiting task one priority less urgent"),
        ("hold", "let a task wait until it is released"),
        ("release", "let a held task go on, in its place"),
    ):
        verb(name, text).add_argument("task", type=_task_number, help="the task's number, such as 42")
    cost = verb("cost", "what was spent")
    cost.add_argument("period", nargs="?", choices=list(Period), default=Period.TODAY)
    digest = verb("digest", "the digest of a day")
    digest.add_argument("--date", type=_day, default="", help="YYYY-MM-DD (default: yesterday)")
    digest.add_argument("--post", action="store_true", help="post it too, unless that day has been posted")
    backup = verb("backup", "copy the database into a new file, also while it is in use")
    backup.add_argument("file", type=Path, metavar="FILE", help="must not be there yet")


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
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
