"""The money of one attempt: what its task has spent, and what its open requests have come to."""

import asyncio
import logging
from collections.abc import Callable

from dispatch.errors import StoreError
from dispatch.faults import OVER_CAP_ERROR
from dispatch.gateway.problem import Refused
from dispatch.ports import Clock, Ledger
from dispatch.task import MICRO_USD, Claim, Price, Unpriced, Usage

Pricing = Callable[[str, Usage], Price | Unpriced]
"""The price of one request to a model."""

_log = logging.getLogger(__name__)


class Account:
    """Opens and closes the lines of one attempt in the ledger, and knows when its cap is reached."""

    def __init__(self, claim: Claim, ledger: Ledger, price: Pricing, clock: Clock) -> None:
        self._claim = claim
        self._ledger = ledger
        self._price = price
        self._clock = clock
        self._spent = 0
        self._running: dict[int, int] = {}
        self._books = asyncio.Lock()

    @property
    def _total(self) -> int:
        return self._spent + sum(self._running.values())

    async def open(self, model: str) -> int:
        """Opens the line of a request that is about to be sent; its number.

        Raises Refused when the cap is spent, LeaseLost, StoreError.
        """
        async with self._books:
            self._spent = await self._ledger.spent(self._claim.task.id)
            if self._total >= self._claim.task.route.cap_micro_usd:
                raise self._over_cap()
            line = await self._ledger.open(self._claim, model, self._clock.now())
            self._running[line] = 0
            return line

    def note(self, line: int, model: str, usage: Usage) -> Refused | None:
        """Notes what an open request has come to. The refusal to end it with, once that is over the cap."""
        price = self._price(model, usage)
        self._running[line] = price.micro_usd if isinstance(price, Price) else 0
        return self._over_cap() if self._total > self._claim.task.route.cap_micro_usd else None

    async def book(self, line: int, model: str, request_id: str, usage: Usage, *, estimated: bool) -> None:
        """Closes the line with its usage, at the price of the model that answered."""
        await self._close(line, model, request_id, usage, self._price(model, usage), estimated)

    async def book_unknown(self, line: int, model: str, request_id: str, reason: str) -> None:
        """Closes the line of a request of which nobody knows what it cost."""
        await self._close(line, model, request_id, Usage(), Unpriced(reason), estimated=True)

    async def drop(self, line: int) -> None:
        """Forgets the line of a request that cost nothing."""
        async with self._books:
            del self._running[line]
            try:
                await self._ledger.drop(line)
            except StoreError as error:
                _log.error("ledger line %d stays open though its request cost nothing: %s", line, error)

    async def _close(
        self, line: int, model: str, request_id: str, usage: Usage, price: Price | Unpriced, estimated: bool
    ) -> None:
        async with self._books:
            del self._running[line]
            try:
                await self._ledger.book(
                    line,
                    model=model,
                    request_id=request_id,
                    usage=usage,
                    price=price,
                    estimated=estimated,
                    now=self._clock.now(),
                )
            except StoreError as error:
                _log.error("ledger line %d stays open: %s. It came to %s, %s", line, error, price, usage)
            else:
                self._spent += price.micro_usd if isinstance(price, Price) else 0

    def _over_cap(self) -> Refused:
        cap = _dollars(self._claim.task.route.cap_micro_usd)
        message = f"this task's cap is {cap} and it has spent {_dollars(self._total)}"
        return Refused(402, OVER_CAP_ERROR, message)


def _dollars(micro_usd: int) -> str:
    places = 2 if micro_usd % (MICRO_USD // 100) == 0 else 6
    return f"${micro_usd / MICRO_USD:,.{places}f}"
