"""What may stand in front of a task's words, in any order.

    [p1..p10] [model=<tier or id>] [max=$2] [by=18:00] [repo=<project>] [--]

Reading never fails: what was wrong is said in `Front.wrong` and stands in the fields as its nearest right
form, so that the caller can show the whole request as it should have been typed.
"""

import re
from dataclasses import dataclass, field
from datetime import time
from typing import Final

from bot.slacktext import code

CAP_LIMIT_MICRO_USD: Final = 1_000_000_000

_TIERS = ("opus", "sonnet", "haiku")
_OPTIONS = ("model", "max", "by", "repo")
_MICRO = 1_000_000
_QUOTE_LIMIT = 60

_END = re.compile(r"(?:--|—)(?=\s|\Z)")
_PRIORITY = re.compile(r"p(-?[0-9]{1,9})(?::(?=\s|[^\W\d_]|\Z)|,?(?=\s|\Z))", re.IGNORECASE)
_OPTION = re.compile(r"((?i:model|max|by|repo)|[a-z_]+)=(?!=)(\S*)")
_SPACE = re.compile(r"\s*")
_MODEL = re.compile(r"(?=.*[0-9-])[a-z0-9][a-z0-9._:/-]{0,99}")
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DOLLARS = re.compile(r"\$?([0-9]{1,6})(?:\.([0-9]{1,6}))?")
_TIME = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?")
_EVENING = time(18, 0)


@dataclass(slots=True)
class Front:
    """A priority of 1 to 10, a tier or full model id, a cap in micro-dollars, a time of day, a project.

    None: not said. `by` is when the task is given up if it has not run.
    """

    priority: int | None = None
    model: str | None = None
    cap_micro_usd: int | None = None
    by: time | None = None
    project: str | None = None
    wrong: list[str] = field(default_factory=list)

    def written(self) -> list[str]:
        """The words that `read_front` reads as this front."""
        words = []
        if self.priority is not None:
            words.append(f"p{self.priority}")
        if self.model is not None:
            words.append(f"model={self.model}")
        if self.cap_micro_usd is not None:
            words.append(f"max={_dollars(self.cap_micro_usd)}")
        if self.by is not None:
            words.append(f"by={self.by:%H:%M}")
        if self.project is not None:
            words.append(f"repo={self.project}")
        return words

    def take_priority(self, number: int) -> None:
        if self.priority is not None:
            self.wrong.append(f"p{self.priority} and p{number} are two priorities. A task has one.")
            return
        self.priority = min(max(number, 1), 10)
        if self.priority != number:
            self.wrong.append(f"p{number} is not a priority. Priorities run from p1 (most urgent) to p10.")

    def take_option(self, name: str, value: str) -> None:
        taken, take = {
            "model": (self.model, self._take_model),
            "max": (self.cap_micro_usd, self._take_cap),
            "by": (self.by, self._take_time),
            "repo": (self.project, self._take_project),
        }[name]
        if taken is not None:
            self.wrong.append(f"`{name}=` stands there twice. Give it once.")
        else:
            take(value)

    def _take_model(self, value: str) -> None:
        asked = value.lower()
        known = asked in _TIERS or _MODEL.fullmatch(asked) is not None
        self.model = asked if known else "sonnet"
        if not known:
            quoted = code(f"model={value}", _QUOTE_LIMIT)
            self.wrong.append(f"{quoted} is not a model. Use opus, sonnet, haiku or a full model id.")

    def _take_cap(self, value: str) -> None:
        amount = _DOLLARS.fullmatch(value)
        asked = int(amount[1]) * _MICRO + int((amount[2] or "").ljust(6, "0")) if amount else 0
        self.cap_micro_usd = min(asked, CAP_LIMIT_MICRO_USD) or 2 * _MICRO
        if self.cap_micro_usd != asked:
            quoted = code(f"max={value}", _QUOTE_LIMIT)
            self.wrong.append(
                f"{quoted} is not an amount a task may cost. "
                "Give dollars above 0, up to $1000, with at most 6 decimals."
            )

    def _take_time(self, value: str) -> None:
        self.by = _nearest_time(value)
        if f"{self.by:%H:%M}" != value:
            quoted = code(f"by={value}", _QUOTE_LIMIT)
            self.wrong.append(f"{quoted} is not a time of day. Give hours and minutes from 00:00 to 23:59.")

    def _take_project(self, value: str) -> None:
        found = _PROJECT.search(value.removesuffix("/").rsplit("/")[-1].removesuffix(".git"))
        self.project = found[0] if found else None
        if self.project != value:
            quoted = code(f"repo={value}", _QUOTE_LIMIT)
            self.wrong.append(f"{quoted} is not the name of a project, such as `repo=payments`.")


def read_front(text: str) -> tuple[Front, str]:
    """Split a request into what stands in front and the task's words, trimmed and otherwise as typed."""
    front, at = Front(), 0
    while True:
        if end := _END.match(text, at):
            return front, text[end.end() :].strip()
        if priority := _PRIORITY.match(text, at):
            front.take_priority(int(priority[1]))
            at = priority.end()
        elif (option := _OPTION.match(text, at)) and (name := option[1].lower()) in _OPTIONS:
            front.take_option(name, option[2])
            at = option.end()
        elif option:
            quoted = code(f"{option[1]}=", _QUOTE_LIMIT)
            front.wrong.append(
                f"{quoted} is not an option, `model=`, `max=`, `by=` and `repo=` are. "
                "Behind `--` it is just a word of the task."
            )
            return front, text[at:].strip()
        else:
            return front, text[at:].strip()
        if space := _SPACE.match(text, at):
            at = space.end()


def is_front(words: str) -> bool:
    """Whether these words would be read as a priority, an option or the end of them."""
    return any(shape.match(words) for shape in (_END, _PRIORITY, _OPTION))


def _nearest_time(value: str) -> time:
    found = _TIME.fullmatch(value)
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 0)
    return time(hour, minute) if hour < 24 and minute < 60 else _EVENING


def _dollars(micro_usd: int) -> str:
    whole, rest = divmod(micro_usd, _MICRO)
    return f"${whole}.{f'{rest:06}'.rstrip('0').ljust(2, '0')}" if rest else f"${whole}"
