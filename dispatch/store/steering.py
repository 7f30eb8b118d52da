"""`ports.Steering` on SQLite: what people do to one task."""

from datetime import datetime

from dispatch.errors import MoveRefused
from dispatch.policy import AGEING, Ration
from dispatch.states import MOVES, Move, State
from dispatch.store import rows
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.store.line import rationed, rejoin, send_another_way, stay_within, take_turn
from dispatch.store.moves import change, known, remember
from dispatch.store.twice import follow
from dispatch.task import HoldKind, Route, Task

_WAITS = frozenset({State.QUEUED, State.HELD})
_REROUTABLE = MOVES[Move.RETRY][0] | _WAITS


class SqliteSteering:
    """The moves that people make with one task."""

    database: Database

    @in_transaction
    async def reprioritise(
        self,
        transaction: Transaction,
        task: Task,
        priority: int,
        rank: int,
        route: Route,
        actor: str,
        now: datetime,
        ration: Ration | None = None,
        key: str = "",
    ) -> Task:
        """Gives a task that waits another priority, if it still is as given: with its route and rank there.

        One that a budget has no room for is queued, to be asked for anew.
        Raises NotFound, MoveRefused.
        """
        found = await known(transaction, task.id)
        await once(transaction, key, task.id, now)
        if found.state not in _WAITS:
            raise MoveRefused(f"#{task.id} is {found.state}; only what waits can get another priority.")
        if _stand(found) != _stand(task):
            raise MoveRefused(f"#{task.id} has moved on meanwhile; look at its card and do it again.")
        before = await rationed(transaction, task.id)
        row = await transaction.row(
            "reprioritise",
            task_id=task.id,
            priority=priority,
            rank=rank,
            tier=route.tier,
            model=route.model,
            reason=route.reason,
            cap_micro_usd=route.cap_micro_usd,
            ages_at=now + AGEING,
            now=now,
        )
        await stay_within(transaction, task, before, actor, ration)
        await remember(transaction, task.id, Move.REPRIORITISE, now, actor, str(task.priority))
        moved = rows.task(row) if row else found
        if route != found.route:
            await transaction.rows("drop_conversations", task_id=task.id)
        if found.hold is HoldKind.BUDGET:
            moved = await change(transaction, moved, State.QUEUED, now, actor=actor)
        else:
            await transaction.rows("raise_card", task_id=task.id, now=now)
        if (route.tier, rank) != (found.route.tier, found.rank):
            return await take_turn(transaction, task.id)
        return moved

    @in_transaction
    async def follow(
        self, transaction: Transaction, task_id: int, actor: str, now: datetime, key: str = ""
    ) -> Task:
        """Ends a task in favour of the one that it looks like. Raises NotFound, MoveRefused."""
        task = await known(transaction, task_id)
        await once(transaction, key, task_id, now)
        if task.alike is None:
            raise MoveRefused(f"#{task.id} is {task.state}; it does not wait for your word on that any more.")
        return await follow(transaction, task, task.alike, actor, now)

    @in_transaction
    async def hold(
        self, transaction: Transaction, task_id: int, actor: str, now: datetime, key: str = ""
    ) -> Task:
        """Holds a task that waits until a person releases it. Raises NotFound, MoveRefused."""
        task = await known(transaction, task_id)
        await once(transaction, key, task_id, now)
        if task.hold is HoldKind.PERSON:
            raise MoveRefused(f"#{task.id} is held already. Let it go on with `release {task.id}`.")
        if task.state not in _WAITS:
            raise MoveRefused(f"#{task.id} is {task.state}; only what waits can be held.")
        return await change(transaction, task, State.HELD, now, actor=actor, hold=HoldKind.PERSON)

    @in_transaction
    async def let_go(
        self, transaction: Transaction, task_id: int, actor: str, now: datetime, key: str = ""
    ) -> Task:
        """Queues a task again, in its place, that a person holds. Raises NotFound, MoveRefused."""
        task = await known(transaction, task_id)
        await once(transaction, key, task_id, now)
        if task.hold is not HoldKind.PERSON:
            raise MoveRefused(f"#{task.id} is {task.state}; nobody holds it, so there is nothing to release.")
        return await change(transaction, task, State.QUEUED, now, actor=actor)

    @in_transaction
    async def reroute(
        self,
        transaction: Transaction,
        task_id: int,
        asked_model: str | None,
        cap_micro_usd: int | None,
        route: Route,
        actor: str,
        now: datetime,
        ration: Ration | None = None,
        key: str = "",
    ) -> Task:
        """Sends a task that waits another way, and lets it queue at once. Raises NotFound, MoveRefused.

        Requesters may do so within their ration of the day, operators whenever.
        """
        task = await known(transaction, task_id)
        await once(transaction, key, task_id, now)
        if task.forgotten:
            raise MoveRefused(f"#{task.id} ended long ago and its words are no longer kept. Send it again.")
        if task.state not in _REROUTABLE:
            raise MoveRefused(f"#{task.id} is {task.state}; only what waits or has ended can go another way.")
        before = await rationed(transaction, task.id)
        await send_another_way(transaction, task.id, asked_model, cap_micro_usd, route, now)
        await rejoin(transaction, task.id, now)
        if task.state is not State.QUEUED:
            await change(transaction, task, State.QUEUED, now, actor=actor, detail=route.reason, strikes=0)
        else:
            await remember(transaction, task.id, Move.REROUTE, now, actor, route.reason)
            await transaction.rows("raise_card", task_id=task.id, now=now)
        await stay_within(transaction, task, before, actor, ration)
        return await take_turn(transaction, task.id)


async def once(transaction: Transaction, key: str, task_id: int, now: datetime) -> None:
    """Raises MoveRefused where the request of that key has been done."""
    if key and not await transaction.rows("take_retry_request", key=key, task_id=task_id, now=now):
        raise MoveRefused(f"This request has moved #{task_id} already.")


def _stand(task: Task) -> tuple[object, ...]:
    """What a new route and rank were worked out from."""
    return (task.state, task.priority, task.rank, task.route, task.asked_model, task.asked_cap_micro_usd)
