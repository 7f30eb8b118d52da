"""What a person says in a task's thread -> an order, a follow-up, or talk. Pure.

    stop | status | cost | bump | help        about the thread's task: the whole message, with or without a !
    cancel                                    is stop, where no number says which task
    !aside ...                                is none of our business, and so is all else behind a !
    [p1..p10] [options] words                 follows up

Outside of a task's thread only thanks ask for nothing, and a verb alone means the same with a ! as without.

Slack has no commands in threads, so these words stand for them. Whole commands (`cancel 42`) are commands
here as well. A verb with other words behind it, which `/task` refuses, is a follow-up here; one alone that
lacks its number is refused here too, for nobody means to pay for that word.
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


_ALSO: Final = {"cancel": Order.STOP}
"""Other words for an order."""

_TELL: Final = (Order.STATUS, Order.COST, Order.HELP)
"""The orders that only tell something: they may be asked as a question."""

_THANKS: Final = frozenset(
    {"thanks", "thank", "thx", "ty", "ok", "okay", "great", "perfect", "nice", "cool", "good", "got"}
    | {"awesome", "cheers", "lgtm"}
)
"""Nobody pays for these: a whole message of them, and of words between them, asks for nothing."""

_BETWEEN: Final = frozenset(["a", "all", "and", "it", "lot", "many", "much", "so", "very", "you"])
_PLUS: Final = "+1"
_SIGNS: Final = re.compile(r"(?::[a-z0-9_+'-]+:|[^\w\s])+")


def read(text: str) -> Order | Command | UsageError | None:
    """Reads one reply. None: talk, of which nothing is to come. Never raises."""
    text = text.strip()
    said = text.lower()
    if order := _order(said):
        return order
    if not text or text.startswith("!") or _is_thanks(said):
        return None
    command = parse(text)
    if isinstance(command, Run):
        return command
    refused = isinstance(command, UsageError) and " " in " ".join(text.split())
    if refused and not is_front(text) and len(text) <= WORDS_LIMIT:
        return Submit(text)
    return command


def _order(said: str) -> Order | None:
    """The order that the whole message is, however it ends: `STOP!!` is one, `stop?` asks for something."""
    word = said.removeprefix("!").rstrip("!. ")
    asked = word.rstrip("? ")
    if asked in _TELL:
        return Order(asked)
    return Order(word) if word in list(Order) else _ALSO.get(word)


def begun(text: str) -> Command | UsageError | None:
    """Reads what is said to us outside of a task's thread. None: thanks. Never raises."""
    said = text.strip()
    if said.startswith("!") and (verb := _verb_alone(said[1:].strip())):
        return verb
    return None if said and _is_thanks(said.lower()) else parse(text)


def _verb_alone(word: str) -> Command | UsageError | None:
    if len(word.split()) != 1 or is_front(word):
        return None
    command = parse(word)
    return None if isinstance(command, Submit) else command


def is_aside(text: str) -> bool:
    """Whether it begins with `!aside`: whatever else it says is not for us."""
    return text.strip().lower().split(maxsplit=1)[:1] == ["!aside"]


def _is_thanks(said: str) -> bool:
    """Whether it is nothing but thanks or signs, such as `ok, thanks a lot!` or `:tada:`."""
    words = set(_SIGNS.sub(" ", said).split())
    return not words or said == _PLUS or (bool(words & _THANKS) and words <= _THANKS | _BETWEEN)
