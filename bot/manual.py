"""How commands are typed, and what `/task help` says. Pure."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Way:
    """What is typed before a verb and before a task, and the verbs that have another name there.

    `quoted`: a shell reads it first.
    """

    verb: str
    task: str
    names: Mapping[str, str] = field(default_factory=dict)
    quoted: bool = False

    def typed(self, command: str) -> str:
        """A command, such as `show 42`, as it is typed there."""
        verb, space, rest = command.partition(" ")
        return f"{self.verb} {self.names.get(verb, verb)}{space}{rest}"

    def typed_task(self, line: str) -> str:
        """A task's line, such as `p3 investigate stall`, as it is typed there."""
        return f"{self.task} {_for_shell(line) if self.quoted else line}"


def _for_shell(line: str) -> str:
    """A line as a shell takes it for its words alone: none is an option there, or means anything else."""
    if line.startswith("-") and not line.startswith("-- "):
        line = f"-- {line}"
    is_safe = all(shlex.quote(word) == word and not word.startswith("-") for word in line.split())
    return line if is_safe else shlex.quote(line)


SLASH: Final = Way("/task", "/task")
COMMAND_LINE: Final = Way("onequeue", "onequeue add", {"stop": "cancel", "help": "--help"}, quoted=True)

HELP: Final = """\
*Give me a task:* `/task p3 investigate the stall in payments`
A mention (`@Onequeue p3 …`) or a direct message does the same. The answer comes in the thread.
`/task` alone opens a form, and so does *Run as task* in the menu of a message, about that message.
Images, PDFs and text that come with a request are read, 5 files at most.

*Priority,* most urgent first: `p1` to `p4` run on Opus, `p5` to `p7` on Sonnet, `p8` to `p10` on Haiku, \
unless your team routes them otherwise. Without one the task gets the usual priority here.
*Options* stand before the words: `model=opus`, `model=sonnet`, `model=haiku` or a full model id; \
`max=$2` is the most this task may cost; with `by=18:00` it is given up if it has not run by then; \
with `repo=payments` it works on that project, else on the channel's, if there is one. \
`--` ends the options.

*See and steer:* `/task list` · `/task show 42` · `/task cancel 42` · `/task retry 42`
`/task show 42 --history` tells who did what to it, and when
*While it waits:* `/task bump 42` makes it one priority more urgent, `/task lower 42` one less; \
`/task hold 42` lets it wait for `/task release 42`
*In a task's thread* a reply follows up; `stop`, `status`, `cost` or `bump` alone is about that task; \
`!help` says more
*What it cost:* `/task cost today` · `/task cost week` · `/task cost month`
*For operators:* `/task pause` lets nothing new start until `/task resume`, which also lets one task try \
at once where all wait, as after a refused key"""
