"""`ports.Gates` on SQLite, and what a transaction needs of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from dispatch.gates import Gate, GateState, resumed
from dispatch.store import rows
from dispatch.store.database import Database, Rows, Transaction, in_transaction
from dispatch.task import MODEL_TIERS, Tier


class SqliteGates:
    """The gates that tasks wait at."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def all(self) -> Mapping[str, Gate]:
        """Every gate that is or was closed, by name; one that is missing is open."""
        return _by_name(await self.database.rows("gates"))

    @in_transaction
    async def resume(self, transaction: Transaction, now: datetime) -> Sequence[Gate]:
        """Lets a probe go at once at every gate that is not open. Which those are."""
        shut = [gate for gate in (await found(transaction)).values() if gate.state is not GateState.OPEN]
        tried = [resumed(gate, now) for gate in shut]
        await put(transaction, tried, now)
        return tried

    @in_transaction
    async def recover(self, transaction: Transaction, now: datetime) -> None:
        """Makes a probe due again whose task no longer runs. For the start."""
        await transaction.rows("stop_probing", now=now)


async def found(transaction: Transaction) -> Mapping[str, Gate]:
    """The gates as of now, by name."""
    return _by_name(await transaction.rows("gates"))


async def put(transaction: Transaction, gates: Iterable[Gate], now: datetime) -> None:
    """Stores gates. The cards of those who wait there are due where what they say has changed."""
    before = await found(transaction)
    for gate in gates:
        await transaction.rows("put_gate", **asdict(gate))
        if _says(gate) != _says(before.get(gate.name, Gate(gate.name))):
            for tier in [Tier(gate.name)] if gate.name in MODEL_TIERS else MODEL_TIERS:
                await transaction.rows("raise_waiting_cards", tier=tier, now=now)


def _by_name(found_rows: Rows) -> Mapping[str, Gate]:
    return {row["name"]: rows.gate(row) for row in found_rows}


def _says(gate: Gate) -> tuple[bool, datetime | None]:
    """What a card tells of a gate: whether it lets tasks through, and when it will."""
    return (gate.state is GateState.OPEN, gate.opens_at)
