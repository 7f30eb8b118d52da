"""Rows <-> values. Times are stored as whole microseconds since 1970 in UTC, so they come back exactly."""

import json
import sqlite3
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

from dispatch.booking import Booking
from dispatch.delivery import Delivery, DeliveryKind
from dispatch.faults import Fault, FaultKind
from dispatch.forecast import likeness
from dispatch.gates import Gate, GateState
from dispatch.questions import Ending, Question, QuestionKind
from dispatch.states import Move, State, Step
from dispatch.task import Attached, Attempt, HoldKind, NewTask, Route, Shortage, Source, Task, Tier, Verdict
from dispatch.usage import Price, Unpriced, Usage
from dispatch.work import Kept, Work

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def bound(value: object) -> object:
    """A value as SQLite stores it."""
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    if isinstance(value, date):
        return value.isoformat()
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    """The text with the halves of characters put together; one that has no other half is replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def moment(microseconds: int) -> datetime:
    """The time stored as that number."""
    return _EPOCH + timedelta(microseconds=microseconds)


def maybe_moment(microseconds: int | None) -> datetime | None:
    """The time stored as that number, if there is one."""
    return None if microseconds is None else moment(microseconds)


def task(row: sqlite3.Row) -> Task:
    """A row of `task`."""
    return Task(
        id=row["id"],
        state=State(row["state"]),
        request_key=row["request_key"],
        source=Source(row["source"]),
        requester=row["requester"],
        words=row["words"],
        priority=row["priority"],
        asked_model=row["asked_model"],
        asked_cap_micro_usd=row["asked_cap_micro_usd"],
        route=Route(Tier(row["tier"]), row["model"], row["reason"], row["cap_micro_usd"], bool(row["again"])),
        channel=row["channel"],
        thread=row["thread"],
        message=row["message"],
        quote_thread=bool(row["quote_thread"]),
        parent=row["parent"],
        depth=row["depth"],
        attempt=row["attempt"],
        strikes=row["strikes"],
        losses=row["losses"],
        suspicions=row["suspicions"],
        rank=row["rank"],
        hold=HoldKind(row["hold"]) if row["hold"] else None,
        shortage=_shortage(row["shortage"]),
        run_at=maybe_moment(row["run_at"]),
        expires_at=maybe_moment(row["expires_at"]),
        cancel_asked=bool(row["cancel_asked"]),
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        finished_at=maybe_moment(row["finished_at"]),
        cost_micro_usd=row["cost_micro_usd"],
        unpriced=row["unpriced"],
        forgotten=row["forgotten_at"] is not None,
        script=row["script"],
        project=row["project"],
        behind=row["behind"],
        alike=row["alike"],
        follows=row["follows"],
        adds_to=row["adds_to"],
        taken_by=row["taken_by"],
        files=tuple(Attached(*file) for file in json.loads(row["files"])),
    )


def columns(new: NewTask, route: Route) -> dict[str, object]:
    """A new task as the values of its row."""
    return {
        "request_key": new.request_key,
        "source": new.source,
        "requester": new.requester,
        "words": new.words,
        "priority": new.priority,
        "asked_model": new.model,
        "asked_cap_micro_usd": new.cap_micro_usd,
        "tier": route.tier,
        "model": route.model,
        "reason": route.reason,
        "cap_micro_usd": route.cap_micro_usd,
        "again": route.again,
        "channel": new.channel,
        "thread": new.thread,
        "message": new.message,
        "quote_thread": new.quote_thread,
        "parent": new.parent,
        "depth": new.depth,
        "expires_at": new.expires_at,
        "script": new.script,
        "project": new.project,
        "files": json.dumps([(file.id, file.name, file.size) for file in new.files]),
        "likeness": likeness(new.words, new.script),
    }


def attempt(row: sqlite3.Row) -> Attempt:
    """A row of `attempt` with its sums."""
    verdict, fault = row["verdict"], row["fault"]
    return Attempt(
        task_id=row["task_id"],
        number=row["number"],
        model=row["model"],
        started_at=moment(row["started_at"]),
        ended_at=maybe_moment(row["ended_at"]),
        verdict=Verdict(verdict) if verdict else None,
        fault=Fault(FaultKind(fault), row["fault_detail"], row["retry_after"]) if fault else None,
        ran_model=row["ran_model"],
        text=row["text"],
        progress=row["progress"],
        cost_micro_usd=row["cost_micro_usd"],
        unpriced=row["unpriced"],
        prompt_tokens=row["prompt_tokens"],
        output_tokens=row["output_tokens"],
        work=Work(row["branch"], row["diffstat"], Kept(row["kept"]), row["diff"]) if row["branch"] else None,
        said_micro_usd=row["said_micro_usd"],
        doing=row["doing"],
        has_transcript=bool(row["has_transcript"]),
    )


def booking(row: sqlite3.Row) -> Booking:
    """A row of `ledger`."""
    return Booking(
        id=row["id"],
        task_id=row["task_id"],
        attempt=row["attempt"],
        tier=Tier(row["tier"]),
        model=row["model"],
        request_id=row["request_id"],
        usage=_usage(row),
        price=_price(row),
        estimated=bool(row["estimated"]),
        opened_at=moment(row["opened_at"]),
        booked_at=maybe_moment(row["booked_at"]),
    )


def delivery(row: sqlite3.Row) -> Delivery:
    """A row of the `due` statement."""
    return Delivery(
        id=row["id"],
        key=row["key"],
        kind=DeliveryKind(row["kind"]),
        task_id=row["task_id"],
        attempt=row["attempt"],
        channel=row["channel"],
        thread=row["thread"],
        person=row["person"],
        body=row["body"],
        weight=row["weight"],
        message=row["message"],
        revision=row["revision"],
        parts_sent=row["parts_sent"],
        tries=row["tries"],
        in_doubt=bool(row["in_doubt"]),
        due_at=moment(row["due_at"]),
    )


def gate(row: sqlite3.Row) -> Gate:
    """A row of `gate`."""
    return Gate(
        name=row["name"],
        state=GateState(row["state"]),
        fault=FaultKind(row["fault"]) if row["fault"] else None,
        detail=row["detail"],
        faults=row["faults"],
        closed_at=maybe_moment(row["closed_at"]),
        opens_at=maybe_moment(row["opens_at"]),
        probe=row["probe"],
        suspect=row["suspect"],
    )


def question(row: sqlite3.Row) -> Question:
    """A row of `question`."""
    return Question(
        id=row["id"],
        task_id=row["task_id"],
        attempt=row["attempt"],
        kind=QuestionKind(row["kind"]),
        text=row["text"],
        reason=row["reason"],
        options=tuple(json.loads(row["options"])),
        route=_route(row["route"]),
        asked_at=moment(row["asked_at"]),
        deadline=moment(row["deadline"]),
        ending=Ending(row["ending"]) if row["ending"] else None,
        answer=row["answer"],
        person=row["person"],
        key=row["key"],
        ended_at=maybe_moment(row["ended_at"]),
        told=bool(row["told"]),
    )


def step(row: sqlite3.Row) -> Step:
    """A row of the `history` statement."""
    source, target = row["was"], row["state"]
    return Step(
        at=moment(row["at"]),
        move=Move(row["move"]),
        source=State(source) if source else None,
        target=State(target) if target else None,
        actor=row["actor"],
        detail=row["detail"],
    )


def route_text(route: Route | None) -> str | None:
    """A route as it is stored in its column."""
    return None if route is None else json.dumps(asdict(route))


def _route(text: str | None) -> Route | None:
    if text is None:
        return None
    facts = json.loads(text)
    return Route(**{**facts, "tier": Tier(facts["tier"])})


def shortage_text(shortage: Shortage | None) -> str | None:
    """A shortage as it is stored in its column."""
    if shortage is None:
        return None
    return json.dumps({**asdict(shortage), "resets_at": bound(shortage.resets_at)})


def _shortage(text: str | None) -> Shortage | None:
    if text is None:
        return None
    facts = json.loads(text)
    return Shortage(**{**facts, "resets_at": moment(facts["resets_at"])})


def _usage(row: sqlite3.Row) -> Usage:
    return Usage(
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cache_read_tokens=row["cache_read_tokens"],
        cache_write_5m_tokens=row["cache_write_5m_tokens"],
        cache_write_1h_tokens=row["cache_write_1h_tokens"],
        web_searches=row["web_searches"],
        service_tier=row["service_tier"],
        speed=row["speed"],
        geo=row["geo"],
    )


def _price(row: sqlite3.Row) -> Price | Unpriced | None:
    if row["booked_at"] is None:
        return None
    if row["cost_micro_usd"] is None:
        return Unpriced(row["unpriced"])
    return Price(row["cost_micro_usd"], row["price_version"])
