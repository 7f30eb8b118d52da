"""What the command line takes, word by word; what it does not, ArgumentTypeError says in full. Pure."""

import argparse
import re
from datetime import date
from typing import Final

from bot.grammar import Period

PERIODS: Final = ", ".join(list(Period)[:-1]) + f" or {list(Period)[-1]}"
"""The periods that costs are told of, in words."""


def period(text: str) -> Period:
    """A period of days."""
    if text not in list(Period):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no period: give {PERIODS}, or days with --csv --from and --to"
        )
    return Period(text)


def port(text: str) -> int:
    """A port, or 0 for any free one."""
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
    return int(text)


def https(text: str) -> str:
    """An address that begins with https."""
    if not re.fullmatch(r"https://[^\s/?#]+(/[^\s?#]*)?", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} will not do: give an address such as https://bot.example.com"
        )
    return text


def project(text: str) -> str:
    """The name of a project."""
    if text.split() != [text]:
        raise argparse.ArgumentTypeError(f"{text!r} is no project: give its name, such as payments")
    return text


def attempt_number(text: str) -> int:
    """The number of an attempt."""
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is no attempt: give its number, such as 2")
    return int(text)


def task_number(text: str) -> int:
    """The number of a task, with or without a #."""
    number = text.removeprefix("#")
    if not (number.isascii() and number.isdecimal()) or not 0 < int(number) < 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no task number: give one such as 42")
    return int(number)


def day(text: str) -> str:
    """A day, in ISO 8601."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: give one such as 2026-11-23") from None
