"""Why a task waits, in words: a gate that is not open, a budget without room, its own end of life. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.money import dollars
from bot.slacktext import inline
from bot.views.message import at_moment, clock_time, line, moment
from bot.words import counted
from dispatch.faults import FaultKind
from dispatch.gates import ACCOUNT, RUNTIME, Gate, GateState, names
from dispatch.states import State
from dispatch.task import HoldKind, Shortage, Task

_DETAIL_LIMIT: Final = 200

_CAUSES: Final = {
    FaultKind.RATE_LIMITED: "{} is rate limited",
    FaultKind.OVERLOADED: "{} is overloaded",
    FaultKind.FORBIDDEN: "our key may not use {}",
    FaultKind.CONFIGURATION: "{}'s model cannot be used with our settings",
    FaultKind.AUTHENTICATION: "Claude's key was refused",
    FaultKind.BILLING: "Claude's account could not pay",
    FaultKind.SUSPENDED: "Claude's account was suspended",
    FaultKind.NETWORK: "Claude could not be reached",
    FaultKind.RUNTIME: "something that every task runs on failed",
}


@dataclass(frozen=True, slots=True)
class Barrier:
    """The gate that holds a task back.

    `waiting` counts the tasks queued behind it, `told` says whether operators are told of it.
    """

    gate: Gate
    waiting: int = 0
    told: bool = False


def shut(gates: Mapping[str, Gate]) -> list[Gate]:
    """The gates that are not open, by name."""
    return [gates[name] for name in sorted(gates) if gates[name].state is not GateState.OPEN]


def is_probing(gates: Iterable[Gate]) -> bool:
    """Whether one task is finding out now for all of these gates."""
    return all(gate.state is GateState.PROBING for gate in gates)


def holding_back(gates: Mapping[str, Gate], task: Task) -> list[Gate]:
    """The gates that a queued task waits at, the one that opens last first."""
    if task.state is not State.QUEUED:
        return []
    way = [gate for gate in shut(gates) if gate.name in names(task.route.tier)]
    return sorted(way, key=_opening, reverse=True)


def _opening(gate: Gate) -> tuple[bool, float]:
    return (gate.opens_at is None, gate.opens_at.timestamp() if gate.opens_at else 0.0)


def cause(name: str, fault: FaultKind | None) -> str:
    """What closed the gate of that name: `Sonnet is rate limited`."""
    if fault is None or fault not in _CAUSES:
        return f"{name.capitalize()} does not work"
    return _CAUSES[fault].format(name.capitalize())


def behind_gate(barrier: Barrier, now: datetime) -> str:
    """Why a queued task is not started, and when it may be."""
    gate = barrier.gate
    why = cause(gate.name, gate.fault)
    others = f" ({counted(barrier.waiting, 'task')} wait for it)" if barrier.waiting > 1 else ""
    if gate.name not in (ACCOUNT, RUNTIME):
        if gate.state is GateState.CLOSED and gate.opens_at is not None and gate.opens_at > now:
            return f"Waiting until {moment(gate.opens_at, now)}: {why}{others}"
        return f"Waiting: {why}{others}. {_next(gate, now)}"
    when = f" {at_moment(gate.closed_at, now)}" if gate.closed_at else ""
    detail = inline(gate.detail, _DETAIL_LIMIT).rstrip(".") if gate.name == RUNTIME else ""
    said = f"{why}{when}: {detail}" if detail else f"{why}{when}"
    told = "; the operators have been told" if barrier.told else ""
    return f"Nothing is wrong with your task: {said}. It keeps its place{others}{told}. {_next(gate, now)}"


def _next(gate: Gate, now: datetime) -> str:
    if gate.state is GateState.PROBING:
        return "One task is trying now whether it works again"
    if gate.opens_at is None:
        return "An operator has to let it be tried again, with `/task resume`"
    if gate.opens_at <= now:
        return "The next task in line tries whether it works again"
    return f"It is tried again {at_moment(gate.opens_at, now)}"


def gate_lines(gates: Iterable[Gate]) -> list[str]:
    """A line for each gate that is not open, for a list of tasks."""
    return [_gate_line(gate) for gate in gates]


def _gate_line(gate: Gate) -> str:
    since = f" since {moment(gate.closed_at, gate.closed_at)}" if gate.closed_at else ""
    if gate.state is GateState.PROBING:
        then = "one task is trying now"
    elif gate.opens_at is None:
        then = "only `/task resume` lets it be tried again"
    else:
        then = f"tried again {at_moment(gate.opens_at, gate.closed_at or gate.opens_at)}"
    return line(
        [f":white_circle: *{gate.name.capitalize()}* {gate.state}{since}", cause(gate.name, gate.fault), then]
    )


def held_by_budget(short: Shortage) -> str:
    """Which budget has no room, where its money is, and when its day ends."""
    limit, scope = dollars(short.limit_micro_usd), _scope(short.scope)
    unspent = max(short.limit_micro_usd - short.spent_micro_usd, 0)
    kept = min(short.kept_micro_usd, unspent)
    resets = f"Resets at {clock_time(short.resets_at)}"
    if unspent == kept:
        but = f" but for the {dollars(kept)} kept for p1 and p2" if kept else ""
        return f"Held by budget: today's {limit} for {scope} is spent{but}. {resets}"
    left = max(unspent - kept - short.reserved_micro_usd, 0)
    where = [f"{dollars(short.spent_micro_usd)} is spent"]
    if short.reserved_micro_usd:
        where.append(f"{dollars(short.reserved_micro_usd)} is reserved by running tasks")
    if kept:
        where.append(f"{dollars(kept)} is kept for p1 and p2")
    of = f"Held by budget: {dollars(left)} of today's {limit} for {scope} is left, less than its cap needs"
    sooner = ", and running tasks may leave room before" if short.reserved_micro_usd else ""
    return f"{of}: {', '.join(where)}. {resets}{sooner}"


def _scope(scope: str) -> str:
    kind, _, name = scope.partition(":")
    match kind:
        case "channel":
            return "this channel"
        case "person":
            return "the person who asked"
        case "tier":
            return inline(name, 80).capitalize()
        case _:
            return "everybody"


def given_up(task: Task) -> str:
    """When a task that waits is given up, if it has such a time: `given up at 18:00 if it has not run`."""
    if task.expires_at is None or task.state not in (State.QUEUED, State.HELD):
        return ""
    return f"given up {at_moment(task.expires_at, task.created_at)} if it has not run"


def after(task: Task) -> str:
    """Which task a follow-up waits for, and how it need not."""
    own = f"when #{task.behind} has ended; `/task release {task.id}` starts it now"
    if task.adds_to is not None:
        return f"For #{task.adds_to}, which takes it up at its next step. Else it starts {own}"
    return f"Starts {own}"


def twice(task: Task) -> str:
    """Which task one looks like whose requester is asked, and what comes without a word of theirs."""
    runs = f", else it runs {at_moment(task.run_at, task.updated_at)}" if task.run_at else ""
    return f"Looks like #{task.alike}: may follow that one{runs}"


def briefly(task: Task) -> str:
    """Why a task of a list waits, in a few words."""
    until = f"until {moment(task.run_at, task.updated_at)}" if task.run_at else ""
    if task.state is State.HELD and task.hold is HoldKind.PERSON:
        until = f"until #{task.behind} has ended" if task.behind else "until it is released"
        until = f"for #{task.adds_to}" if task.adds_to else until
        until = f"looks like #{task.alike}" if task.alike else until
    elif task.state is State.HELD and task.hold is HoldKind.BUDGET:
        until = f"by budget {until}".rstrip()
    elif task.state is not State.HELD:
        until = ""
    return line([until, given_up(task)])
