"""The money of one attempt: what its task has spent, and what its open requests have come to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from dispatch.errors import MoveRefused, StoreBusy, StoreError, StoreUnusable
from dispatch.faults import OVER_BUDGET_ERROR, OVER_CAP_ERROR
from dispatch.gateway.problem import Refused
from dispatch.ports import Clock, Ledger, Pricing
from dispatch.task import Claim
from dispatch.usage import EACH_KIND, MICRO_USD, Price, Unpriced, Usage

NOTED_EACH = MICRO_USD // 100
"""An open request is noted in the ledger at its first usage, and again with each cent that it comes to."""

_BALANCE_AGAIN = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Closing:
    """How a line is closed, and what it came to, in words for the log."""

    write: Callable[[], Awaitable[None]]
    worth: str


class Account:
    """Opens and closes the lines of one attempt in the ledger, and knows when its limit is reached.

    A line that cannot be closed because the ledger is out of use is closed later: see `balance`.

    `token_caps` limits the tokens of models that have no price; a model with neither is refused, and so is
    more of what came back at a price that nobody knows.
    """

    def __init__(
        self, claim: Claim, ledger: Ledger, price: Pricing, token_caps: Mapping[str, int], clock: Clock
    ) -> None:
        self._claim = claim
        self._ledger = ledger
        self._price = price
        self._token_caps = token_caps
        self._clock = clock
        self._spent = 0
        self._used = 0
        self._unheld = ""
        self._tokens: dict[int, int] = {}
        self._noted: dict[int, int] = {}
        self._running: dict[int, int] = {}
        self._unwritten: dict[int, _Closing] = {}
        self._books = asyncio.Lock()

    @property
    def _total(self) -> int:
        return self._spent + sum(self._running.values())

    async def open(self, model: str) -> int:
        """Opens the line of a request that is about to be sent; its number.

        Raises Refused when the limit is reached or nothing could hold it, LeaseLost, StoreError.
        """
        async with self._books:
            await self._check_held(model)
            await self._write()
            self._spent = await self._ledger.spent(self._claim.task.id)
            if self._total >= self._claim.limit_micro_usd:
                raise self._over_limit()
            line = await self._ledger.open(self._claim, model, self._clock.now())
            self._running[line] = 0
            return line

    def note(self, line: int, model: str, usage: Usage) -> Refused | None:
        """Notes what an open request has come to. The refusal to end it with, once that is over the cap."""
        price = self._price(model, usage)
        self._running[line] = price.micro_usd if isinstance(price, Price) else 0
        if isinstance(price, Unpriced) and model not in self._token_caps:
            return _held_by_nothing(model, price.reason)
        if self._total > self._claim.limit_micro_usd:
            return self._over_limit()
        self._tokens[line] = usage.prompt_tokens + usage.output_tokens
        return self._over_tokens(model, self._used + sum(self._tokens.values()))

    async def keep(self, line: int, model: str, request_id: str, usage: Usage) -> None:
        """Writes down what an open request has come to, when that is new enough to be worth it."""
        cost = self._running[line]
        if line in self._noted and cost - self._noted[line] < NOTED_EACH:
            return
        self._noted[line] = cost
        try:
            await self._ledger.note(line, model, request_id, usage)
        except StoreError as error:
            _log.error("ledger line %d is not noted: %s", line, error)

    async def _check_held(self, model: str) -> None:
        """Raises Refused where no cap holds a request to the model, or its cap of tokens is reached."""
        if model in self._token_caps:
            self._used = await self._ledger.tokens(self._claim.task.id)
            refused = self._over_tokens(model, self._used + sum(self._tokens.values()) + 1)
        else:
            price = self._price(model, EACH_KIND)
            why = price.reason if isinstance(price, Unpriced) else self._unheld
            refused = _held_by_nothing(model, why) if why else None
        if refused:
            raise refused

    def _over_tokens(self, model: str, used: int) -> Refused | None:
        cap = self._token_caps.get(model)
        if cap is None or used <= cap:
            return None
        message = f"this task may use {cap:,} tokens of {model} and has used {used:,}"
        return Refused(402, OVER_CAP_ERROR, message)

    async def book(self, line: int, model: str, request_id: str, usage: Usage, *, estimated: bool) -> None:
        """Closes the line with its usage, at the price of the model that answered."""
        price = self._price(model, usage)
        if isinstance(price, Unpriced):
            self._unheld = price.reason
        await self._book(line, model, request_id, usage, price, estimated)

    async def book_unknown(self, line: int, model: str, request_id: str, reason: str) -> None:
        """Closes the line of a request of which nobody knows what it cost."""
        await self._book(line, model, request_id, Usage(), Unpriced(reason), estimated=True)

    async def drop(self, line: int) -> None:
        """Forgets the line of a request that cost nothing."""
        self._running[line] = 0
        await self._close(line, _Closing(partial(self._ledger.drop, line), "nothing"))

    async def balance(self) -> None:
        """Returns once every line that was to be closed is; tries again while the ledger is out of use."""
        while self._unwritten:
            try:
                async with self._books:
                    await self._write()
            except StoreError:
                await self._clock.sleep(_BALANCE_AGAIN)

    async def _book(
        self, line: int, model: str, request_id: str, usage: Usage, price: Price | Unpriced, estimated: bool
    ) -> None:
        self._running[line] = price.micro_usd if isinstance(price, Price) else 0
        booking = partial(
            self._ledger.book,
            line,
            model=model,
            request_id=request_id,
            usage=usage,
            price=price,
            estimated=estimated,
            now=self._clock.now(),
        )
        await self._close(line, _Closing(booking, f"{price}, {usage}"))

    async def _close(self, line: int, closing: _Closing) -> None:
        async with self._books:
            self._noted.pop(line, None)
            self._tokens.pop(line, None)
            self._unwritten[line] = closing
            try:
                await self._write()
            except StoreError as error:
                _log.error("ledger line %d is not closed yet: %s. It came to %s", line, error, closing.worth)

    async def _write(self) -> None:
        """Closes what waits to be closed, oldest first. Raises StoreError where that may help later."""
        for line, closing in list(self._unwritten.items()):
            try:
                await closing.write()
            except (StoreBusy, StoreUnusable):
                raise
            except (MoveRefused, StoreError) as error:
                _log.error("ledger line %d cannot be closed: %s. It came to %s", line, error, closing.worth)
            del self._unwritten[line]
            self._spent += self._running.pop(line)

    def _over_limit(self) -> Refused:
        task, limit, spent = self._claim.task, self._claim.limit_micro_usd, _dollars(self._total)
        if limit >= task.route.cap_micro_usd:
            message = f"this task's cap is {_dollars(task.route.cap_micro_usd)} and it has spent {spent}"
            return Refused(402, OVER_CAP_ERROR, message)
        message = f"a budget had {_dollars(limit - task.cost_micro_usd)} left for it, and {spent} is spent"
        return Refused(402, OVER_BUDGET_ERROR, message)


def _held_by_nothing(model: str, why: str) -> Refused:
    return Refused(
        404,
        "not_found_error",
        f"no dollar cap can hold {model} ({why}): it needs all its prices under [prices], or a cap under "
        "[token_caps]",
    )


def _dollars(micro_usd: int) -> str:
    places = 2 if micro_usd % (MICRO_USD // 100) == 0 else 6
    return f"${micro_usd / MICRO_USD:,.{places}f}"
