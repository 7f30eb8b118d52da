"""Taking a task off the queue inside a transaction: past the gates, to a free seat, within the budgets."""

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from dispatch.budget import Purse, is_stale
from dispatch.gates import Gate, GateState, Passage, names, passage, probed
from dispatch.policy import URGENT, Seating
from dispatch.states import Move, State
from dispatch.store import gates, rows
from dispatch.store.database import Transaction
from dispatch.store.ledger import standing_in
from dispatch.store.moves import change, known, remember
from dispatch.store.pausing import resumption
from dispatch.task import MODEL_TIERS, Claim, HoldKind, Shortage, Task, Tier

MOST_HELD = 100
"""So many tasks that no budget has room for are set aside at most before a claim gives up for now."""

_BATCH = 200


async def claim(
    transaction: Transaction,
    tier: Tier,
    seating: Seating,
    purse: Purse | None,
    lease_until: datetime,
    now: datetime,
) -> Claim | None:
    """The next task of the tier with its allowance; tasks that no budget has room for are held instead."""
    if await transaction.row("paused"):
        return None
    known_gates = await gates.found(transaction)
    way = [known_gates[name] for name in names(tier) if name in known_gates]
    let = passage(way, now)
    if let is Passage.SHUT:
        return None
    shut = [gate for gate in way if gate.state is GateState.CLOSED]
    avoid = next((gate.suspect for gate in shut if gate.suspect), 0)
    for _ in range(MOST_HELD):
        task = await _take(transaction, tier, seating, avoid, lease_until, now)
        if task is None and avoid:
            if await _others(transaction, tier, known_gates, shut, avoid, now):
                return None
            task, avoid = await _take(transaction, tier, seating, 0, lease_until, now), 0
        if task is None:
            return None
        allowed = await _allowance(transaction, task, purse)
        if isinstance(allowed, Shortage):
            await _hold(transaction, task, allowed, now)
            continue
        await gates.put(transaction, [probed(gate, task.id) for gate in shut], now)
        return await _claimed(transaction, task, task.cost_micro_usd + allowed, lease_until, now)
    return None


async def _others(
    transaction: Transaction,
    tier: Tier,
    known_gates: Mapping[str, Gate],
    shut: Sequence[Gate],
    avoid: int,
    now: datetime,
) -> bool:
    """Whether another task can be the probe in the place of the one to avoid, from another tier."""
    if not any(gate.suspect == avoid and gate.name not in MODEL_TIERS for gate in shut):
        return False
    for other in MODEL_TIERS:
        way = [known_gates[name] for name in names(other) if name in known_gates]
        if other is tier or passage(way, now) is Passage.SHUT:
            continue
        if await transaction.row("another_queued", tier=other, avoid=avoid):
            return True
    return False


async def release(transaction: Transaction, purse: Purse, seats: Mapping[Tier, int], now: datetime) -> int:
    """Queues the tasks held by a budget that has room for them again, as many as have a free seat.

    First in line first. How many.
    """
    taken = {Tier(row["tier"]): row["tasks"] for row in await transaction.rows("seated")}
    free = {tier: count - taken.get(tier, 0) for tier, count in seats.items()}
    day, released = None, 0
    async for row in _short(transaction):
        task = rows.task(row)
        if free[task.route.tier] <= 0:
            continue
        day = day or await standing_in(transaction, purse.since, purse.resets_at)
        allowed = purse.admit(task, day)
        if not isinstance(allowed, Shortage):
            day = day.with_reserved(task, allowed)
            await change(transaction, task, State.QUEUED, now)
            free[task.route.tier] -= 1
            released += 1
    return released


async def restate(transaction: Transaction, purse: Purse, most: int, now: datetime) -> int:
    """Notes anew what keeps tasks waiting that no budget has room for, where that has changed.

    Their cards are due. At most so many, first in line first. How many.
    """
    short = await transaction.rows("short", rank=0, turn=0, after_id=0, limit=_BATCH)
    day = await standing_in(transaction, purse.since, purse.resets_at) if short else None
    restated = 0
    for row in short:
        task = rows.task(row)
        if restated == most or day is None:
            break
        found = purse.admit(task, day)
        if isinstance(found, Shortage) and (task.shortage is None or is_stale(task.shortage, found)):
            told = rows.shortage_text(found)
            await transaction.rows("restate", task_id=task.id, shortage=told, run_at=found.resets_at)
            await transaction.rows("raise_card", task_id=task.id, now=now)
            restated += 1
    return restated


async def _short(transaction: Transaction) -> AsyncIterator[sqlite3.Row]:
    """All of them: those for whom there is no room must not stand before those for whom there is."""
    rank, turn, task_id = 0, 0, 0
    while batch := await transaction.rows("short", rank=rank, turn=turn, after_id=task_id, limit=_BATCH):
        for row in batch:
            yield row
        rank, turn, task_id = batch[-1]["rank"], batch[-1]["turn"], batch[-1]["id"]


async def _take(
    transaction: Transaction, tier: Tier, seating: Seating, avoid: int, lease_until: datetime, now: datetime
) -> Task | None:
    await transaction.rows("savepoint")
    row = await transaction.row(
        "claim",
        tier=tier,
        seats=seating.seats,
        kept=seating.kept,
        per_requester=seating.per_requester,
        urgent=URGENT,
        avoid=avoid,
        lease_until=lease_until,
        now=now,
    )
    return rows.task(row) if row else None


async def _allowance(transaction: Transaction, task: Task, purse: Purse | None) -> int | Shortage:
    if purse is None:
        return max(task.route.cap_micro_usd - task.cost_micro_usd, 0)
    return purse.admit(task, await standing_in(transaction, purse.since, purse.resets_at))


async def _hold(transaction: Transaction, task: Task, shortage: Shortage, now: datetime) -> None:
    await transaction.rows("roll_back")
    queued = await known(transaction, task.id)
    await change(
        transaction,
        queued,
        State.HELD,
        now,
        detail=f"budget {shortage.scope}",
        run_at=shortage.resets_at,
        hold=HoldKind.BUDGET,
        shortage=shortage,
    )


async def _claimed(
    transaction: Transaction, task: Task, limit_micro_usd: int, lease_until: datetime, now: datetime
) -> Claim:
    await transaction.rows("advance_line", task_id=task.id)
    await transaction.rows("allow", task_id=task.id, limit_micro_usd=limit_micro_usd)
    await transaction.rows(
        "start_attempt", task_id=task.id, attempt=task.attempt, model=task.route.model, now=now
    )
    await remember(transaction, task.id, Move.CLAIM, now)
    await transaction.rows("raise_card", task_id=task.id, now=now)
    resumed = await resumption(transaction, task)
    return Claim(task, task.attempt, lease_until, limit_micro_usd, resumed)
