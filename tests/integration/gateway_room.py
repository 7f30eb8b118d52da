"""A real store and a real gateway over a simulated Claude, with the real SDK as the session."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
import pytest
from anthropic import AsyncAnthropic

from bot.rehearsal.claude import ClaudeSim, Say, Served, Step
from dispatch.asking import Asking
from dispatch.booking import Booking
from dispatch.clock import SystemClock
from dispatch.gateway import MeteringGateway, Upstream
from dispatch.policy import Seating
from dispatch.ports import Access, Ledger, Session
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.store import Store
from dispatch.store.database import Database
from dispatch.store.ledger import SqliteLedger
from dispatch.task import Claim, NewTask, Source, Tier
from dispatch.terms import Terms
from dispatch.usage import MICRO_USD, Price, Unpriced, Usage
from tests.integration.rehearsal_claude import claude
from tests.integration.work_room import FakeNotifier

MODEL = "claude-haiku-5-5"
UNPRICED_MODEL = "claude-haiku-4-5"
UNHELD_MODEL = "claude-nobody-knows"
"""A model with neither a price nor a cap of tokens."""

TOKEN_CAP = 4_000
"""Tokens a task may use of the model without a price."""

HALF_HELD = Say("x" * 2 * 24 * 20)
"""An answer of which the simulator, when told to hold, has sent exactly one half."""

IDLE = timedelta(minutes=10)
TERMS = Terms(DEFAULT_TABLE, ZoneInfo("UTC"))


def price(model: str, usage: Usage) -> Price | Unpriced:
    """A price in which no two kinds of token weigh the same."""
    if model in (UNPRICED_MODEL, UNHELD_MODEL):
        return Unpriced(f"no price for {model}")
    if usage.service_tier == "priority":
        return Unpriced("no price for service tier priority")
    weights = (
        (usage.input_tokens, 2),
        (usage.output_tokens, 11),
        (usage.cache_read_tokens, 1),
        (usage.cache_write_5m_tokens, 3),
        (usage.cache_write_1h_tokens, 5),
        (usage.web_searches, 10_000),
    )
    return Price(sum(tokens * weight for tokens, weight in weights), "test-1")


def usage_of(served: Served) -> Usage:
    """What the API says it served, in our words."""
    return Usage(
        input_tokens=served.input_tokens,
        output_tokens=served.output_tokens,
        cache_read_tokens=served.cache_read_tokens,
        cache_write_5m_tokens=served.cache_write_5m_tokens,
        cache_write_1h_tokens=served.cache_write_1h_tokens,
        web_searches=served.web_searches,
    )


@dataclass
class GatewayRoom:
    """Everything between a claim and the API. `follow_ups` collects what sessions asked for."""

    store: Store
    gateway: MeteringGateway
    clock: SystemClock
    asking: Asking
    follow_ups: list[tuple[int, str, int | None]] = field(default_factory=list)

    async def claim(self, cap_micro_usd: int = MICRO_USD, channel: str = "") -> Claim:
        """A new task on a Haiku seat, claimed."""
        now = self.clock.now()
        key, words = f"key:{now.isoformat()}", "investigate stall"
        new = NewTask(key, Source.CLI, "UANA00001", words, 9, channel=channel)
        await self.store.queue.enqueue(new, route(9, None, cap_micro_usd, DEFAULT_TABLE), now)
        claim = await self.store.queue.claim(Tier.HAIKU, Seating(10), now + timedelta(minutes=1), now)
        assert claim is not None
        return claim

    async def booked(self) -> list[Booking]:
        """Every closed line of the ledger, oldest first."""
        day = timedelta(days=1)
        lines = await self.store.ledger.bookings(self.clock.now() - day, self.clock.now() + day)
        return sorted(lines, key=lambda line: line.id)

    async def still_open(self) -> int:
        """How many lines were never closed."""
        return await self.store.ledger.close_open(price, self.clock.now())


@asynccontextmanager
async def gateway_room(
    folder: Path,
    url: str,
    key: str,
    idle: timedelta = IDLE,
    ledger: Callable[[Database], Ledger] = SqliteLedger,
    terms: Terms = TERMS,
) -> AsyncIterator[GatewayRoom]:
    """A gateway to the API at `url`, on a store in `folder`. It books in the `ledger` made on that store."""
    follow_ups: list[tuple[int, str, int | None]] = []

    async def follow_up(claim: Claim, words: str, priority: int | None) -> str:
        follow_ups.append((claim.task.id, words, priority))
        return "Queued as #7."

    async with AsyncExitStack() as stack:
        store = await Store.open(folder / "onequeue.db")
        stack.push_async_callback(store.close)
        clock = SystemClock()
        asking = Asking(store.questions, store.queue, FakeNotifier(), clock, terms)
        upstream = Upstream(url, key, idle)
        gateway = MeteringGateway(
            upstream,
            store.queue,
            ledger(store.database),
            price,
            {UNPRICED_MODEL: TOKEN_CAP},
            follow_up,
            asking.ask,
            clock,
        )
        await gateway.start()
        stack.push_async_callback(gateway.close)
        yield GatewayRoom(store, gateway, clock, asking, follow_ups)


@asynccontextmanager
async def room_over(sim: ClaudeSim, folder: Path, idle: timedelta = IDLE) -> AsyncIterator[GatewayRoom]:
    """A gateway to the simulated Claude."""
    async with gateway_room(folder, sim.url, sim.key, idle) as room:
        yield room


@pytest.fixture
async def sim() -> AsyncIterator[ClaudeSim]:
    async with claude() as running:
        yield running


@pytest.fixture
async def room(sim: ClaudeSim, tmp_path: Path) -> AsyncIterator[GatewayRoom]:
    async with room_over(sim, tmp_path) as opened:
        yield opened


@pytest.fixture(name="room")
async def hasty_room(sim: ClaudeSim, tmp_path: Path) -> AsyncIterator[GatewayRoom]:
    """A room in which nobody waits for an answer on their seat."""
    async with room_over(sim, tmp_path) as opened:
        opened.asking.hurry()
        yield opened


def hold(sim: ClaudeSim, times: int = 1) -> None:
    """Has each of the next answers stop halfway."""
    sim.script([Step((HALF_HELD,))] * times)
    sim.hold()


@asynccontextmanager
async def sdk(access: Access) -> AsyncIterator[AsyncAnthropic]:
    """The real SDK, as a session would use it."""
    http = httpx2.AsyncClient(trust_env=False)
    async with AsyncAnthropic(
        base_url=access.base_url, api_key=access.key, max_retries=0, http_client=http
    ) as client:
        yield client


@asynccontextmanager
async def plain_http(access: Access, key: str | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    """A session that speaks HTTP by hand, with the key of its access unless another is given."""
    headers = {"x-api-key": access.key if key is None else key, "anthropic-version": "2023-06-01"}
    async with httpx2.AsyncClient(base_url=access.base_url, headers=headers, trust_env=False) as client:
        yield client


async def ask(client: AsyncAnthropic, words: str = "investigate stall", model: str = MODEL) -> str:
    """Streams one answer and returns its text."""
    async with client.messages.stream(
        model=model, max_tokens=4096, messages=[{"role": "user", "content": words}]
    ) as stream:
        return "".join([text async for text in stream.text_stream])


class Reader:
    """A session that reads one answer of `HALF_HELD`, and knows when it has all that is sent while held."""

    def __init__(self, client: AsyncAnthropic) -> None:
        self._client = client
        self._halfway = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def halfway(self) -> None:
        """Returns when everything that the simulator sends before it holds has arrived."""
        await self._halfway.wait()

    async def hang_up(self) -> None:
        """Closes the connection."""
        self._reading.cancel()
        await asyncio.wait({self._reading})

    async def end(self) -> BaseException | None:
        """Reads to the end; what went wrong."""
        await asyncio.wait({self._reading})
        return self._reading.exception()

    async def _read(self) -> None:
        async with self._client.messages.stream(
            model=MODEL, max_tokens=4096, messages=[{"role": "user", "content": "go"}]
        ) as stream:
            received = 0
            async for text in stream.text_stream:
                received += len(text)
                if received == len(HALF_HELD.text) // 2:
                    self._halfway.set()


def open_session(claim: Claim, access: Access, prompt: str = "investigate stall") -> Session:
    """The claim's attempt, ready to run."""
    return Session(
        task_id=claim.task.id,
        attempt=claim.attempt,
        model=claim.task.route.model,
        effort="low",
        max_output_tokens=8000,
        wall_clock=timedelta(minutes=1),
        prompt=prompt,
        access=access,
    )
