"""Our values as JSON: what `--json` prints and what travels over the local socket. Pure.

Times are ISO 8601 in UTC; money is integer micro-dollars in fields that end in `micro_usd`. A cost
beside which `unpriced_requests` (of a tier `opus_unpriced_requests`) is not 0 leaves those requests out.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from bot.views.findings import findings, unusual
from dispatch.digest import Digest, Money, PartyLine
from dispatch.forecast import Outlook
from dispatch.gates import Gate
from dispatch.pauses import Paused
from dispatch.ports import Backup, Spending
from dispatch.questions import Question
from dispatch.states import Step
from dispatch.task import Attempt, Shortage, Task, Tier
from dispatch.work import Work

Record = dict[str, object]
"""A JSON object."""


def task_record(task: Task) -> Record:
    """A task without its attempts."""
    return {
        "id": task.id,
        "state": task.state.value,
        "priority": task.priority,
        "tier": task.route.tier.value,
        "model": task.route.model,
        "reason": task.route.reason,
        "script": task.script,
        "project": task.project,
        "words": task.words,
        "forgotten": task.forgotten,
        "requester": task.requester,
        "source": task.source.value,
        "channel": task.channel,
        "thread": task.thread,
        "parent": task.parent,
        "taken_by": task.taken_by,
        "attempts": task.attempt,
        "created_at": _time(task.created_at),
        "run_at": _time(task.run_at),
        "expires_at": _time(task.expires_at),
        "hold": task.hold.value if task.hold else None,
        "shortage": _shortage(task.shortage) if task.shortage else None,
        "finished_at": _time(task.finished_at),
        "cap_micro_usd": task.route.cap_micro_usd,
        "cost_micro_usd": task.cost_micro_usd,
        "unpriced_requests": task.unpriced,
    }


def _shortage(short: Shortage) -> Record:
    return {
        "scope": short.scope,
        "limit_micro_usd": short.limit_micro_usd,
        "spent_micro_usd": short.spent_micro_usd,
        "reserved_micro_usd": short.reserved_micro_usd,
        "kept_micro_usd": short.kept_micro_usd,
        "resets_at": _time(short.resets_at),
    }


def outlook_record(outlook: Outlook) -> Record:
    """Where a queued task stands, from 1 on, and what such tasks usually come to; null where nobody can say.

    `usual` is the middle half of the newest `samples` answered ones.
    """
    cost, took, starts = outlook.usual.micro_usd, outlook.usual.seconds, outlook.starts_in
    return {
        "position": outlook.place.ahead + 1 if outlook.place else None,
        "in_line": outlook.place.queued if outlook.place else None,
        "starts_in_seconds": None if starts is None else int(starts.total_seconds()),
        "usual": {
            "low_micro_usd": cost.low if cost else None,
            "high_micro_usd": cost.high if cost else None,
            "low_seconds": took.low if took else None,
            "high_seconds": took.high if took else None,
            "samples": outlook.usual.samples,
        },
    }


def pause_record(paused: Paused | None) -> Record | None:
    """Who paused the queue, and since when; null where nobody did."""
    return None if paused is None else {"actor": paused.actor, "since": _time(paused.since)}


def gate_record(gate: Gate) -> Record:
    """A gate that is not open; `opens_at` is null where only an operator lets it be tried again."""
    return {
        "name": gate.name,
        "state": gate.state.value,
        "fault": gate.fault.value if gate.fault else None,
        "detail": gate.detail,
        "closed_at": _time(gate.closed_at),
        "opens_at": _time(gate.opens_at),
    }


def attempt_record(attempt: Attempt) -> Record:
    """One attempt.

    `said_micro_usd` is what its own runtime says it cost; it is `disputed` where the ledger says otherwise.
    """
    return {
        "number": attempt.number,
        "model": attempt.ran_model or attempt.model,
        "verdict": attempt.verdict.value if attempt.verdict else None,
        "fault": attempt.fault.kind.value if attempt.fault else None,
        "detail": attempt.fault.detail if attempt.fault else None,
        "progress": attempt.progress,
        "started_at": _time(attempt.started_at),
        "ended_at": _time(attempt.ended_at),
        "prompt_tokens": attempt.prompt_tokens,
        "output_tokens": attempt.output_tokens,
        "cost_micro_usd": attempt.cost_micro_usd,
        "unpriced_requests": attempt.unpriced,
        "said_micro_usd": attempt.said_micro_usd,
        "disputed": attempt.is_disputed,
        "work": _work(attempt.work) if attempt.work else None,
        "text": attempt.text,
    }


def _work(work: Work) -> Record:
    return {"branch": work.branch, "diffstat": work.diffstat, "kept": work.kept.value}


def question_record(question: Question) -> Record:
    """A question; `ending` is null while it is open, `answer` where nobody answered."""
    return {
        "id": question.id,
        "kind": question.kind.value,
        "text": question.text,
        "reason": question.reason,
        "options": list(question.options),
        "asked_at": _time(question.asked_at),
        "deadline": _time(question.deadline),
        "ending": question.ending.value if question.ending else None,
        "answer": question.answer,
        "person": question.person,
        "ended_at": _time(question.ended_at),
    }


def step_record(step: Step) -> Record:
    """One move in a task's history; `from` and `to` are null where they were not noted."""
    return {
        "at": _time(step.at),
        "move": step.move.value,
        "from": step.source.value if step.source else None,
        "to": step.target.value if step.target else None,
        "actor": step.actor,
        "detail": step.detail,
    }


def full_record(
    task: Task,
    attempts: Sequence[Attempt],
    gates: Iterable[Gate],
    questions: Iterable[Question] = (),
    thumbs: Mapping[str, bool] = MappingProxyType({}),
) -> Record:
    """A task with its attempts and questions, the gates that hold it back and, once there, its answer.

    `thumbs` says who likes that.
    """
    ended = task.finished_at and not task.forgotten
    return {
        **task_record(task),
        "answer": attempts[-1].text if attempts and ended else None,
        "runs": [attempt_record(attempt) for attempt in attempts],
        "questions": [question_record(question) for question in questions],
        "gates": [gate_record(gate) for gate in gates],
        "thumbs": [{"person": person, "liked": liked} for person, liked in thumbs.items()],
    }


def cost_record(period: str, spending: Iterable[Spending], disputed: Sequence[int] = ()) -> Record:
    """What a period cost, by tier and in all. `disputed` has the task of each session that says otherwise."""
    lines = list(spending)
    return {
        "period": period,
        "cost_micro_usd": sum(line.micro_usd for line in lines),
        "unpriced_requests": sum(line.unpriced for line in lines),
        "tiers": [
            {
                "tier": line.tier.value,
                "tasks": line.tasks,
                "cost_micro_usd": line.micro_usd,
                "unpriced_requests": line.unpriced,
            }
            for line in lines
        ],
        "disputed": list(disputed),
    }


def digest_record(digest: Digest) -> Record:
    """A digest; `findings` says in words what it points at."""
    return {
        "first": digest.first.isoformat(),
        "last": digest.last.isoformat(),
        **_money(digest.total),
        "ended": {state.value: count for state, count in digest.ended.items()},
        "open": digest.open,
        "tiers": [
            {"tier": line.tier.value, "tasks": line.tasks, **_money(line.money)} for line in digest.tiers
        ],
        "dearest": [
            {"id": task.id, "words": task.words, "forgotten": task.forgotten, **_money(money)}
            for task, money in digest.dearest
        ],
        "undelivered": {"attempts": digest.undelivered_attempts, **_money(digest.undelivered)},
        "delivered": _money(digest.delivered),
        "waste": [{"why": w.why.value, "attempts": w.attempts, **_money(w.money)} for w in digest.waste],
        "all_opus_micro_usd": digest.all_opus_micro_usd,
        "compared_micro_usd": digest.compared_micro_usd,
        "uncompared_requests": digest.uncompared,
        "people": [_party(line) for line in digest.people],
        "channels": [_party(line) for line in digest.channels],
        "findings": [line.replace("*", "") for line in (*unusual(digest, {}), *findings(digest, {}))],
        "disputed": list(digest.disputed),
        "thumbs": {"up": digest.liked, "down": len(digest.disliked), "disliked": list(digest.disliked)},
        "days": [{"day": bar.day.isoformat(), **_by_tier(bar.by_tier)} for bar in digest.chart],
    }


def backup_record(backup: Backup) -> Record:
    """A backup that was made."""
    return {"path": str(backup.path), "bytes": backup.bytes, "tasks": backup.tasks}


def _money(money: Money) -> Record:
    return {"cost_micro_usd": money.micro_usd, "unpriced_requests": money.unpriced}


def _party(line: PartyLine) -> Record:
    return {"name": line.name, "tasks": line.tasks, **_money(line.money)}


def _by_tier(spent: Mapping[Tier, Money]) -> Record:
    found: Record = {}
    for tier, money in spent.items():
        found[f"{tier}_micro_usd"] = money.micro_usd
        found[f"{tier}_unpriced_requests"] = money.unpriced
    return found


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
