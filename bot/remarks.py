"""What a person says in a task's thread -> an order, a follow-up, or talk. Pure.

    stop | status | cost | bump | help        about the thread's task: the whole message, with or without a !
    !aside ...                                is none of our business, and so is all else behind a !
    [p1..p10] [options] words                 follows up

Slack has no commands in threads, so these words stand for them. Whole commands (`cancel 42`) are commands
here as well. A verb with other words behind it, which `/task` refuses, is a follow-up here.
"""

import re
from enum import StrEnum
from typing import Final

from bot.grammar import WORDS_LIMIT, Command, Run, Submit, UsageError, parse
from bot.options import is_front


class Order(StrEnum):
    """What is done about the thread's task."""

    STOP = "stop"
    STATUS = "status"
    COST = "cost"
    BUMP = "bump"
    HELP = "help"


_THANKS: Final = frozenset(
    {"thanks", "thank you", "thx", "ty", "ok", "okay", "great", "perfect", "nice", "cool", "lgtm", "+1"}
)
"""Nobody pays for these: as a whole message they ask for nothing."""

_SIGNS: Final = re.compile(r"(?::[a-z0-9_+'-]+:|[^\w\s])+")


def read(text: str) -> Order | Command | UsageError | None:
    """Reads one reply. None: talk, of which nothing is to come. Never raises."""
    text = text.strip()
    said = text.lower()
    if said.removeprefix("!") in list(Order):
        return Order(said.removeprefix("!"))
    if not text or text.startswith("!") or _is_thanks(said):
        return None
    command = parse(text)
    if isinstance(command, Run):
        return command
    if isinstance(command, UsageError) and not is_front(text) and len(text) <= WORDS_LIMIT:
        return Submit(text)
    return command


def is_aside(text: str) -> bool:
    """Whether it begins with `!aside`: whatever else it says is not for us."""
    return text.strip().lower().split(maxsplit=1)[:1] == ["!aside"]


def _is_thanks(said: str) -> bool:
    """Whether it is nothing but thanks or signs, such as `thanks!` or `:tada:`."""
    words = " ".join(_SIGNS.sub(" ", said).split())
    return not words or said in _THANKS or words in _THANKS
