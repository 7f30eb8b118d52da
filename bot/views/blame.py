"""A fault in plain words: what happened, whose fault it is, what to do next. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.money import dollars
from bot.slacktext import inline
from bot.words import duration
from dispatch.faults import RUNTIME_FAULTS, Fault, FaultKind
from dispatch.gates import SUSPICIONS
from dispatch.policy import LOSSES, STRIKES
from dispatch.task import Attempt, Task
from dispatch.usage import MICRO_USD

_DETAIL_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class Blame:
    """Safe mrkdwn without a full stop: `what` fits a line, `remedy` is a command or advice."""

    what: str
    remedy: str


def blame(task: Task, attempt: Attempt) -> Blame:
    """The words for what ended an attempt of the task."""
    fault = attempt.fault or Fault(FaultKind.UNKNOWN)
    detail = inline(fault.detail, _DETAIL_LIMIT)
    return Blame(_what(fault.kind, task, attempt, detail), _remedy(fault.kind, task))


def set_aside(task: Task, attempt: Attempt) -> Blame:
    """The words for why a task was parked after that attempt."""
    found = blame(task, attempt)
    if task.cap_used:
        used = f"its cap of {dollars(task.route.cap_micro_usd)} is used"
        return Blame(f"{found.what}, and {used}", _remedy(FaultKind.OVER_CAP, task))
    if task.losses >= LOSSES:
        died = f"the process died in {task.losses} of its attempts, so it may be what ends it"
        return Blame(died, f"Have an operator read the log; `/task retry {task.id}` then")
    if task.strikes >= STRIKES and is_ours(attempt):
        return Blame(
            f"{found.what}, again and again, so it may be the task that brings it about", found.remedy
        )
    if task.strikes >= STRIKES:
        return Blame(f"{task.strikes} attempts failed, the last because {found.what}", found.remedy)
    if task.suspicions >= SUSPICIONS:
        return Blame(f"{found.what}, while other tasks got through", found.remedy)
    return found


def is_ours(attempt: Attempt) -> bool:
    """Whether the task itself is without fault."""
    return attempt.fault is not None and attempt.fault.kind in RUNTIME_FAULTS


def time_taken(attempt: Attempt) -> timedelta:
    """How long an attempt ran; zero while it still does."""
    return attempt.ended_at - attempt.started_at if attempt.ended_at else timedelta(0)


def _what(kind: FaultKind, task: Task, attempt: Attempt, detail: str) -> str:
    tier = task.route.tier.capitalize()
    match kind:
        case FaultKind.RATE_LIMITED:
            return f"{tier} is rate limited"
        case FaultKind.OVERLOADED:
            return "Claude is overloaded"
        case FaultKind.NETWORK:
            return "Claude could not be reached"
        case FaultKind.AUTHENTICATION:
            return "Claude refused our key"
        case FaultKind.FORBIDDEN:
            return f"our key may not use {inline(task.route.model, 100)}"
        case FaultKind.BILLING:
            return "our Claude account cannot pay"
        case FaultKind.SUSPENDED:
            return "our Claude account is suspended"
        case FaultKind.CONFIGURATION:
            return _with(
                f"the model {inline(task.route.model, 100)} cannot be used with our settings", detail
            )
        case FaultKind.RUNTIME:
            return _with("something it runs on failed", detail)
        case FaultKind.UNREACHABLE:
            return "Slack would not show me the conversation"
        case FaultKind.OUT_OF_MEMORY:
            return "its process was killed, most likely because the machine ran out of memory"
        case FaultKind.LOST:
            return "I restarted during the attempt"
        case FaultKind.TIMEOUT:
            limit = f"the limit of {inline(task.route.reason, 80)}" if task.script else f"{tier}'s limit"
            return f"stopped after {duration(time_taken(attempt))}, {limit}"
        case FaultKind.SCRIPT:
            return detail.rstrip(".") or "its command failed"
        case FaultKind.OVER_CAP:
            return f"stopped at its cap of {dollars(task.route.cap_micro_usd)}"
        case FaultKind.OVER_BUDGET:
            return _with("stopped at the end of a budget", detail)
        case FaultKind.REFUSAL:
            return "the model declined to do this"
        case FaultKind.INVALID_REQUEST:
            return _with("Claude could not accept the request", detail)
        case FaultKind.INCOMPLETE:
            return "the answer broke off before its end"
        case FaultKind.CANCELLED:
            return "cancelled"
        case FaultKind.UNKNOWN:
            return _with("it failed in a way I do not know", detail)


def _remedy(kind: FaultKind, task: Task) -> str:
    again = f"`/task retry {task.id}`"
    if task.script is not None and kind is FaultKind.LOST:
        return f"Nobody knows how far it got, so it does not run again by itself; {again} does it"
    if task.script is not None:
        return f"{again} runs it again"
    match kind:
        case FaultKind.TIMEOUT:
            return "Ask for a smaller part of it, or name a more capable tier with `model=`"
        case FaultKind.OVER_CAP:
            return f"Send it again with a higher cap: `max=${_doubled(task)}` in front of the words"
        case FaultKind.OVER_BUDGET:
            return f"{again} runs it again as soon as a budget has room"
        case FaultKind.REFUSAL:
            return "Say it in other words, or name another model with `model=`"
        case FaultKind.INVALID_REQUEST:
            return "Change or shorten the request and send it again"
        case (
            FaultKind.AUTHENTICATION
            | FaultKind.FORBIDDEN
            | FaultKind.BILLING
            | FaultKind.SUSPENDED
            | FaultKind.CONFIGURATION
        ):
            return f"An operator has to put this right; {again} then"
        case _:
            return f"Try it again with {again}"


def _doubled(task: Task) -> int:
    return max(1, -(-task.route.cap_micro_usd * 2 // MICRO_USD))


def _with(words: str, detail: str) -> str:
    return f"{words}: {detail.rstrip('.')}" if detail else words
