"""Pauses of the whole queue, on SQLite."""

import sqlite3
from datetime import datetime

from dispatch.pauses import Paused
from dispatch.store import rows
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.task import Tier


class SqlitePauses:
    """Whether the queue is paused. The cards of those in line are due where that changes."""

    database: Database

    async def paused(self) -> Paused | None:
        """Who paused the queue, and when; None where it is not paused."""
        row = await self.database.row("paused")
        return _paused(row) if row else None

    @in_transaction
    async def pause(self, transaction: Transaction, actor: str, now: datetime) -> Paused:
        """Pauses the queue, unless it is paused already; the pause that stands."""
        if await transaction.rows("put_pause", actor=actor, now=now):
            await _raise_cards(transaction, now)
        (row,) = await transaction.rows("paused")
        return _paused(row)

    @in_transaction
    async def unpause(self, transaction: Transaction, now: datetime) -> Paused | None:
        """Lets the queue go on; the pause that stood until now."""
        lifted = await transaction.rows("lift_pause")
        if not lifted:
            return None
        await _raise_cards(transaction, now)
        return _paused(lifted[0])


def _paused(row: sqlite3.Row) -> Paused:
    return Paused(row["actor"], rows.moment(row["since"]))


async def _raise_cards(transaction: Transaction, now: datetime) -> None:
    for tier in Tier:
        await transaction.rows("raise_waiting_cards", tier=tier, now=now)
