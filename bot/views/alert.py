"""What operators are told when something is wrong, and when it is over. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.slacktext import escape, inline, neutralise
from bot.views.message import Block, Message, clock_time, context, cut, day_and_time, section
from bot.views.remedy import gate_remedy, gate_trouble
from bot.words import counted, duration, tokens
from dispatch.alarms import (
    Alarm,
    Deaf,
    DiskLow,
    LineDown,
    ManyTokens,
    Overdue,
    Shut,
    Stalled,
    StillPaused,
    StoreRefuses,
)
from dispatch.gates import ACCOUNT, RUNTIME, Gate, GateState
from dispatch.ports import OpenAlarm

ACKNOWLEDGE: Final = "acknowledge_alarm"
"""The button's action; its value is the alarm's key."""

_DETAIL_LIMIT: Final = 300
_NAME_LIMIT: Final = 80
_SECTION_LIMIT: Final = 2_900
_DAY: Final = timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alarm in safe mrkdwn: `head` is one line without a full stop, `why` and `do` are sentences."""

    head: str
    why: str
    do: str


def worded(alarm: Alarm, now: datetime) -> Alert:
    """The words for an alarm as of now."""
    match alarm:
        case Stalled():
            return _stalled(alarm, now)
        case Overdue():
            return _overdue(alarm, now)
        case Shut():
            return _shut(alarm, now)
        case Deaf() | LineDown():
            return _deaf(alarm, now)
        case DiskLow() | StoreRefuses():
            return _machine(alarm)
        case ManyTokens():
            return _tokens(alarm)
        case StillPaused():
            return _paused(alarm, now)


def alert(
    alarm: Alarm, now: datetime, *, acknowledged_by: str = "", over_at: datetime | None = None
) -> Message:
    """The message for an alarm: with a button until somebody has acknowledged it or it is over.

    `acknowledged_by` is a name, which is shown and never mentioned.
    """
    said = worded(alarm, over_at or now)
    sign = ":white_check_mark:" if over_at else ":rotating_light:"
    body = neutralise(f"{sign} *{said.head}*\nWhy: {said.why}\nDo: {said.do}")
    blocks: list[Block] = [section(cut(body, _SECTION_LIMIT))]
    if acknowledged_by:
        blocks.append(context(f"Acknowledged by {inline(acknowledged_by, _NAME_LIMIT)}"))
    if over_at:
        blocks.append(context(f"Over since {_time(over_at, now)}"))
    elif not acknowledged_by:
        blocks.append(_button(alarm.key))
    return Message(neutralise(f"{said.head}. Do: {said.do}"), tuple(blocks))


def reminder(alarm: Alarm, since: datetime, now: datetime) -> Message:
    """Says in the alarm's thread that it still stands."""
    waiting = f" {counted(alarm.waiting, 'task')} {_verb(alarm.waiting)}." if alarm.waiting else ""
    text = (
        f"Still so after {duration(now - since)}.{waiting} I say this again until somebody presses "
        "Acknowledge above or it is over."
    )
    return _paragraph(text)


def recovery(open_alarm: OpenAlarm, over_at: datetime, expired: int | None) -> Message:
    """Says in the alarm's thread that it is over. `expired` is None where nobody could count them."""
    kind = open_alarm.key.partition(":")[0]
    ended = "The session ended" if kind in ("overdue", "tokens") else "Recovered"
    lost = "" if expired is None else f", {expired} expired"
    text = (
        f"{ended} at {clock_time(over_at)} after {duration(over_at - open_alarm.since)}. "
        f"{counted(open_alarm.delayed, 'task')} delayed{lost}."
    )
    return _paragraph(text)


def acknowledged() -> str:
    """The answer to the one who acknowledged an alarm."""
    return "Acknowledged. I am quiet about it from now on and say in its thread when it is over."


def acknowledged_before(name: str) -> str:
    """The answer to the one who acknowledged an alarm after somebody else."""
    return f"{inline(name, _NAME_LIMIT)} has acknowledged this already."


def no_alarm() -> str:
    """The answer to the one who acknowledged what does not stand any more."""
    return "This alarm is over: there is nothing left to acknowledge."


def _stalled(alarm: Stalled, now: datetime) -> Alert:
    first = alarm.first
    return Alert(
        f"{alarm.tier.capitalize()} has started no task for {duration(now - alarm.since)} while "
        f"{alarm.waiting} {_verb(alarm.waiting)} (first in line: #{first.id}, p{first.priority})",
        "a seat is free and no gate or budget is in the way, so I have stopped taking tasks there. "
        "None is lost.",
        "look in the log for what went wrong, then restart Onequeue. Every task keeps its place.",
    )


def _overdue(alarm: Overdue, now: datetime) -> Alert:
    task = alarm.task
    tier = task.route.tier.capitalize()
    return Alert(
        f"#{task.id} still runs {duration(now - alarm.since)} after {tier}'s limit",
        f"its session did not end when its {duration(alarm.limit)} were up. It keeps a seat in {tier}.",
        f"`/task cancel {task.id}` stops it. If it stays, restart Onequeue"
        f"{': the task then runs again' if task.route.again else ''}.",
    )


def _shut(alarm: Shut, now: datetime) -> Alert:
    gate, detail = alarm.gate, inline(alarm.gate.detail, _DETAIL_LIMIT).rstrip(".")
    name = gate.name.capitalize()
    stopped = "nothing starts" if gate.name in (ACCOUNT, RUNTIME) else f"{name} starts nothing"
    waiting = f" while {counted(alarm.waiting, 'task')} {_verb(alarm.waiting)}" if alarm.waiting else ""
    return Alert(
        f"{gate_trouble(gate)}: {stopped}{waiting}",
        f"the {gate.name} gate is closed since {_time(alarm.since, now)}{f' ({detail})' if detail else ''}. "
        f"No task is lost. {_next_try(gate, now)}",
        gate_remedy(gate),
    )


def _next_try(gate: Gate, now: datetime) -> str:
    if gate.state is GateState.PROBING:
        return "One task is trying it now."
    if gate.opens_at is None:
        return "None is tried before somebody says so."
    if gate.opens_at <= now:
        return "The next task tries it."
    return f"One task tries it at {_time(gate.opens_at, now)}."


def _deaf(alarm: Deaf | LineDown, now: datetime) -> Alert:
    if isinstance(alarm, LineDown):
        return Alert(
            f"{alarm.connected} of {alarm.lines} connections to Slack "
            f"{'answers' if alarm.connected == 1 else 'answer'}",
            f"another one is down since {_time(alarm.since, now)}. Requests still arrive, but none may while "
            "Slack renews the last connection.",
            "check the network between this machine and Slack, and <https://slack-status.com>. "
            "I keep trying.",
        )
    return Alert(
        "I hear nothing from Slack: tasks sent now do not reach me",
        f"none of {alarm.lines} connections has answered a ping since {_time(alarm.since, now)}.",
        "check the network between this machine and Slack, <https://slack-status.com> and the token in "
        "`SLACK_APP_TOKEN`. I keep trying. What got no card must be sent again.",
    )


def _machine(alarm: DiskLow | StoreRefuses) -> Alert:
    if isinstance(alarm, StoreRefuses):
        return Alert(
            "The database cannot be used: no task is taken or started",
            escape(cut(alarm.error, _DETAIL_LIMIT * 2)),
            "put right what it says. I try again all the time; whoever sends a task meanwhile is told that "
            "it was not taken.",
        )
    disk = alarm.disk
    return Alert(
        f"The disk is nearly full: {_size(disk.free)} of {_size(disk.total)} left",
        "the database is on it, and once it is full no task can be taken or finished.",
        "make room there, or move the database to a larger disk.",
    )


def _tokens(alarm: ManyTokens) -> Alert:
    task = alarm.task
    return Alert(
        f"#{task.id} has used {tokens(alarm.tokens)} tokens in one attempt",
        f"I say so from {tokens(alarm.limit)} on (`watch.tokens`): it may be reading in circles. "
        "Its cap holds.",
        f"look at its thread. `/task cancel {task.id}` stops it; what it has cost until then counts.",
    )


def _paused(alarm: StillPaused, now: datetime) -> Alert:
    waiting = f" while {counted(alarm.waiting, 'task')} {_verb(alarm.waiting)}" if alarm.waiting else ""
    return Alert(
        f"The queue is paused for {duration(now - alarm.since)}{waiting}",
        "somebody paused it, and nothing starts until somebody lets it go on. No task is lost.",
        "`/task resume` lets it go on.",
    )


def _verb(number: int) -> str:
    return "waits" if number == 1 else "wait"


def _size(size: int) -> str:
    for unit, one in (("TB", 10**12), ("GB", 10**9)):
        if size >= one:
            return f"{size / one:.1f} {unit}"
    return f"{size // 10**6} MB"


def _time(at: datetime, now: datetime) -> str:
    return clock_time(at) if abs(now - at) < _DAY else day_and_time(at)


def _paragraph(text: str) -> Message:
    safe = neutralise(text)
    return Message(safe, (section(safe),))


def _button(key: str) -> Block:
    elements: Sequence[Block] = [
        {
            "type": "button",
            "action_id": ACKNOWLEDGE,
            "text": {"type": "plain_text", "text": "Acknowledge"},
            "value": key,
        }
    ]
    return {"type": "actions", "elements": elements}
