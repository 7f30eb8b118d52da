"""What may be typed behind `onequeue`, and how each word is read."""

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from bot.grammar import Period


def read(arguments: Sequence[str]) -> argparse.Namespace:
    """What was typed; ends the process with status 2 where it cannot be read.

    Of a task `--` and all behind it are one of its words: argparse would take the `--` away.
    """
    if "--" in arguments and arguments[0] == "add":
        end = arguments.index("--")
        arguments = [*arguments[:end], " ".join(arguments[end:])]
    return _parser().parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="onequeue",
        description="One durable queue for a team's tasks, routed by priority to Claude, from Slack.",
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_services(commands.add_parser)
    _add_verbs(commands.add_parser)
    return whole


def _add_services(command: Callable[..., argparse.ArgumentParser]) -> None:
    rehearse = command("try", help="try everything in a browser: simulated Slack, simulated Claude, no token")
    rehearse.add_argument("--port", type=_port, default=0, help="of the page (default: any free one)")
    rehearse.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")
    command("run", help="run bot and dispatcher until SIGTERM")
    command(
        "worker",
        help="work the queue without Slack until SIGTERM",
        description="Works what `onequeue add` queues, and all that waits already, until SIGTERM; it needs "
        "no token of Slack. Answers are in `onequeue show`, alarms in the log. Cards and answers due in "
        "Slack are kept, and sent when `onequeue run` is started. Either of the two runs, never both.",
    )
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
        made = command(name, help=text, description=text)
        made.add_argument("--json", action="store_true", help="print JSON")
        return made

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
