"""What is said to a task while it runs: which task that is, and how its session is told. Pure."""

from collections.abc import Sequence
from typing import Final

from dispatch.states import State
from dispatch.task import Task

_INTRODUCTION: Final = (
    "While the task was under way this was said in its thread, quoted here. It belongs to the task: mind it "
    "from here on. Your last message is still the whole answer and stands by itself."
)


def adds_to(meant: int | None, before: Task) -> int | None:
    """The task that a reply adds to, which waits behind `before`; None where it is a follow-up like others.

    Only what runs is added to: a script cannot be, and what is told to stop is not any more. A reply behind
    another one that adds to the same keeps to that one's order.
    """
    if meant is None:
        return None
    if before.id != meant:
        return meant if before.adds_to == meant else None
    listens = before.state is State.RUNNING and before.script is None and not before.cancel_asked
    return meant if listens else None


def quoted(additions: Sequence[Task], task: Task) -> str:
    """These additions as words for a session of the task they add to; empty where nothing is kept of any."""
    kept = [one for one in additions if not one.forgotten]
    if not kept:
        return ""
    return "\n\n".join([_INTRODUCTION, *(_said(one, task) for one in kept)])


def _said(addition: Task, task: Task) -> str:
    who = "whoever asked for the task" if addition.requester == task.requester else addition.requester
    lines = [f"#{addition.id}, said by {who}:", *addition.words.splitlines()]
    return "\n".join(f"> {line}" for line in lines)
