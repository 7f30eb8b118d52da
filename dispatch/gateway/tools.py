"""The tools every session has. They need no permission; what goes wrong in them is words to the model."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from dispatch.errors import OnequeueError
from dispatch.gateway.asking import Ask, asking_tools
from dispatch.ports import Clock, Queue, Tell, Tool
from dispatch.task import Claim

LONGEST_PROGRESS = 200
"""Characters of a progress line."""

FollowUp = Callable[[Claim, str, int | None], Awaitable[str]]
"""Stores a follow-up of the claimed task, with its words and priority, and says what became of it."""

_PROGRESS_USE = "Tell the people who wait what you are doing now."
_FOLLOW_UP_USE = "Queue another task, to be done later by a session of its own."
_PROGRESS: Mapping[str, object] = {
    "type": "object",
    "properties": {"text": {"type": "string", "description": "One short line, in the present tense."}},
    "required": ["text"],
    "additionalProperties": False,
}
_FOLLOW_UP: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "The task, complete in itself: its session starts fresh."},
        "priority": {
            "type": "integer",
            "minimum": 1,
            "maximum": 10,
            "description": "1 is the most urgent. Without it, the same as this task.",
        },
    },
    "required": ["text"],
    "additionalProperties": False,
}


def tools_for(
    claim: Claim, queue: Queue, follow_up: FollowUp, ask_people: Ask, clock: Clock
) -> tuple[Tool, ...]:
    """The tools of one attempt."""

    async def note(given: Mapping[str, object]) -> str:
        line = " ".join(_text(given).split())
        if not line:
            return "Not noted: give one line of text."
        await queue.progress(claim, line[:LONGEST_PROGRESS], clock.now())
        return "Noted."

    async def ask(given: Mapping[str, object]) -> str:
        priority = given.get("priority")
        if isinstance(priority, bool) or not isinstance(priority, int | None):
            return "Not queued: a priority is a whole number from 1 to 10."
        return await follow_up(claim, _text(given), priority)

    tools = (
        Tool("progress", _PROGRESS_USE, _PROGRESS, note),
        Tool("follow_up", _FOLLOW_UP_USE, _FOLLOW_UP, ask),
        *asking_tools(claim, ask_people),
    )
    return tuple(replace(tool, call=_in_words(tool.call)) for tool in tools)


def own_progress(claim: Claim, queue: Queue, clock: Clock) -> Tell:
    """Notes what a session is doing in its runner's own words. What goes wrong with that is no matter."""

    async def tell(line: str) -> None:
        with suppress(OnequeueError):
            await queue.progress(claim, line[:LONGEST_PROGRESS], clock.now(), own=True)

    return tell


def _text(given: Mapping[str, object]) -> str:
    text = given.get("text")
    return text.strip() if isinstance(text, str) else ""


def _in_words(
    call: Callable[[Mapping[str, object]], Awaitable[str]],
) -> Callable[[Mapping[str, object]], Awaitable[str]]:
    async def called(given: Mapping[str, object]) -> str:
        try:
            return await call(given)
        except OnequeueError as error:
            return f"This did not work: {error}"

    return called
