"""The tools that lead to people: to ask, to have something approved, to be raised to a better tier."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeGuard

from dispatch.errors import OnequeueError
from dispatch.ports import Approve, Tool
from dispatch.questions import (
    LONGEST_ACTION,
    LONGEST_OPTION,
    LONGEST_QUESTION,
    LONGEST_SHOWN,
    OPTIONS,
    NewQuestion,
    QuestionKind,
    Ruling,
    shown_length,
)
from dispatch.task import Claim

Ask = Callable[[Claim, NewQuestion], Awaitable[Ruling]]
"""Asks people for the claimed task and says what came of it. Raises Pause where that takes long."""

_QUESTION_USE = (
    "Ask the person who wants this task. Only what you can neither find out nor decide yourself: they may "
    "take hours to answer, and if nobody does you go on without."
)
_APPROVAL_USE = (
    "Have a person approve one action before you take it: what cannot be undone, costs money or reaches "
    "others. Take it only when it is approved, and exactly as you named it."
)
_UPGRADE_USE = (
    "Hand this task on to a more capable model, when it is more complex than you can do well. It works once. "
    "Your session ends; the next one is told your reason and what you have written."
)
_QUESTION: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "question": {
            "type": "string",
            "description": "One question, complete in itself.",
            "maxLength": LONGEST_QUESTION,
        },
        "options": {
            "type": "array",
            "items": {"type": "string", "maxLength": LONGEST_OPTION},
            "maxItems": OPTIONS,
            "description": "The likely answers, a few words each. They may answer in other words, too.",
        },
    },
    "required": ["question"],
    "additionalProperties": False,
}
_APPROVAL: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "action": {
            "type": "string",
            "description": "Exactly what you would do: the whole command, request or message.",
            "maxLength": LONGEST_ACTION,
        },
        "reason": {"type": "string", "description": "Why it is needed.", "maxLength": LONGEST_QUESTION},
    },
    "required": ["action", "reason"],
    "additionalProperties": False,
}
_UPGRADE: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "reason": {
            "type": "string",
            "description": "What makes it so complex, and what you have found out.",
            "maxLength": LONGEST_QUESTION,
        }
    },
    "required": ["reason"],
    "additionalProperties": False,
}


def asking_tools(claim: Claim, ask: Ask) -> tuple[Tool, ...]:
    """The tools of one attempt that lead to people, as far as anybody waits for its task."""

    async def question(given: Mapping[str, object]) -> str:
        text, options = _text(given, "question"), given.get("options", [])
        if not text or len(text) > LONGEST_QUESTION:
            return f"Not asked: a question has from 1 to {LONGEST_QUESTION:,} characters."
        if not _are_options(options):
            return f"Not asked: give up to {OPTIONS} different options of up to {LONGEST_OPTION} characters."
        asked = tuple(option.strip() for option in options)
        return (await ask(claim, NewQuestion(QuestionKind.QUESTION, text, options=asked))).words

    async def approval(given: Mapping[str, object]) -> str:
        action, reason = _text(given, "action"), _text(given, "reason")
        if not action or len(action) > LONGEST_ACTION:
            return f"Not asked: an action has from 1 to {LONGEST_ACTION:,} characters."
        return (await ask(claim, NewQuestion(QuestionKind.APPROVAL, action, reason[:LONGEST_QUESTION]))).words

    async def upgrade(given: Mapping[str, object]) -> str:
        reason = _text(given, "reason")
        if not reason:
            return "Not raised: say what makes it more complex than you expected."
        return (await ask(claim, NewQuestion(QuestionKind.UPGRADE, reason[:LONGEST_QUESTION]))).words

    raising = Tool("upgrade", _UPGRADE_USE, _UPGRADE, upgrade)
    if not claim.task.channel:
        return (raising,)
    return (
        Tool("ask_requester", _QUESTION_USE, _QUESTION, question),
        Tool("request_approval", _APPROVAL_USE, _APPROVAL, approval),
        raising,
    )


def approving(claim: Claim, ask: Ask) -> Approve:
    """Has people approve what the session of one attempt is about to do. What goes wrong is a denial."""

    async def approve(action: str, reason: str) -> Ruling:
        if shown_length(action) > LONGEST_SHOWN:
            return Ruling(
                f"Denied: people are shown up to {LONGEST_SHOWN:,} characters. Do it in smaller steps.",
                allows=False,
            )
        try:
            return await ask(claim, NewQuestion(QuestionKind.APPROVAL, action, reason[:LONGEST_QUESTION]))
        except OnequeueError as error:
            return Ruling(f"Denied: {error}", allows=False)

    return approve


def _text(given: Mapping[str, object], name: str) -> str:
    text = given.get(name)
    return text.strip() if isinstance(text, str) else ""


def _are_options(options: object) -> TypeGuard[list[str]]:
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        return False
    texts = [option.strip() for option in options]
    fit = all(0 < len(text) <= LONGEST_OPTION for text in texts)
    return fit and len(texts) <= OPTIONS and len(set(texts)) == len(texts)
