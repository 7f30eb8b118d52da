"""Where a task stands in line inside a transaction, and which line that is."""

from collections.abc import Collection
from datetime import datetime

from dispatch.errors import MoveRefused, NotAdmitted
from dispatch.policy import AGEING, Quota, Ration, Rationed
from dispatch.store import rows
from dispatch.store.database import Transaction
from dispatch.task import NewTask, Route, Task


async def check(transaction: Transaction, new: NewTask, quota: Quota) -> None:
    """Raises NotAdmitted where as many tasks wait as may."""
    (own,) = await transaction.rows("waiting_of_person", requester=new.requester)
    (all_from,) = await transaction.rows("waiting_from_source", source=new.source)
    if refusal := quota.refusal(new.source, own["tasks"], all_from["tasks"]):
        raise NotAdmitted(refusal)


async def rationed(transaction: Transaction, task_id: int) -> Collection[Rationed]:
    """As what the task counts towards its requester's day."""
    return [Rationed(row["kind"]) for row in await transaction.rows("rationed", task_id=task_id)]


async def over_ration(
    transaction: Transaction,
    task_id: int,
    requester: str,
    ration: Ration | None,
    before: Collection[Rationed] = (),
) -> str | None:
    """Why the task may not be what it has become since it counted as `before`, or None."""
    if ration is None:
        return None
    for kind in await rationed(transaction, task_id):
        if kind not in before:
            (having,) = await transaction.rows(
                "rationed_since", person=requester, kind=kind, since=ration.since
            )
            if refusal := ration.refusal(kind, having["tasks"]):
                return refusal
    return None


async def stay_within(
    transaction: Transaction, task: Task, before: Collection[Rationed], actor: str, ration: Ration | None
) -> None:
    """Raises MoveRefused where its requester may not make of the task what it has become since `before`."""
    own = ration if actor == task.requester else None
    if refusal := await over_ration(transaction, task.id, task.requester, own, before):
        raise MoveRefused(f"Nothing done: {refusal}")


async def take_turn(transaction: Transaction, task_id: int) -> Task:
    """The task behind the others of its requester, and behind nobody's second."""
    (row,) = await transaction.rows("take_turn", task_id=task_id)
    return rows.task(row)


async def rejoin(transaction: Transaction, task_id: int, now: datetime) -> None:
    """Lets a task stand where its priority says, as if it had just come in."""
    await transaction.rows("rejoin", task_id=task_id, ages_at=now + AGEING)


async def send_another_way(
    transaction: Transaction,
    task_id: int,
    asked_model: str | None,
    asked_cap_micro_usd: int | None,
    route: Route,
    now: datetime,
) -> None:
    """Gives a task another route. What a session of the old one would go on from is dropped."""
    await transaction.rows(
        "reroute",
        task_id=task_id,
        asked_model=asked_model,
        asked_cap_micro_usd=asked_cap_micro_usd,
        tier=route.tier,
        model=route.model,
        reason=route.reason,
        cap_micro_usd=route.cap_micro_usd,
        now=now,
    )
    await transaction.rows("drop_conversations", task_id=task_id)
