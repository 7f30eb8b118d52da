"""Every micro-dollar the API serves is in the ledger, however the request ends."""

import asyncio
from datetime import datetime
from pathlib import Path

import anthropic
import pytest
from anthropic import AsyncAnthropic

from bot.rehearsal.claude import ClaudeSim, Say, Step
from dispatch.booking import Booking
from dispatch.store.database import Database
from dispatch.store.ledger import SqliteLedger
from dispatch.usage import Price, Unpriced, Usage
from tests.integration.gateway_room import (
    MODEL,
    UNPRICED_MODEL,
    GatewayRoom,
    Reader,
    ask,
    gateway_room,
    hold,
    price,
    room,
    sdk,
    sim,
    usage_of,
)

__all__ = ["room", "sim"]

LONG = "x" * 4000


async def assert_ledger_is_what_was_served(room: GatewayRoom, sim: ClaudeSim) -> list[Booking]:
    """Compares line by line: usage, price, request id; returns the lines."""
    lines = await room.booked()
    paid = sorted((one for one in sim.served if one.usage), key=lambda one: one.n)
    assert [(line.request_id, line.usage) for line in lines] == [
        (one.request_id, usage_of(one)) for one in paid
    ]
    assert [line.price for line in lines] == [price(one.model, usage_of(one)) for one in paid]
    assert [line.estimated for line in lines] == [not one.finished for one in paid]
    assert await room.still_open() == 0
    return lines


async def drink(client: AsyncAnthropic, model: str = MODEL) -> None:
    async with client.messages.stream(
        model=model, max_tokens=4096, messages=[{"role": "user", "content": "go"}]
    ) as stream:
        await stream.until_done()


async def test_streamed_answers_are_booked_as_served(room: GatewayRoom, sim: ClaudeSim) -> None:
    claim = await room.claim()
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        first, second = await ask(client), await ask(client, "and again")
        assert first and second
        lines = await assert_ledger_is_what_was_served(room, sim)
    assert len(lines) == 2
    total = sum(line.price.micro_usd for line in lines if isinstance(line.price, Price))
    assert await room.store.ledger.spent(claim.task.id) == total > 0


async def test_an_answer_is_booked_before_it_has_ended(room: GatewayRoom, sim: ClaudeSim) -> None:
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        await client.messages.create(
            model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "go"}]
        )
        assert len(await room.booked()) == 1
        await drink(client)
        assert len(await room.booked()) == 2
    await assert_ledger_is_what_was_served(room, sim)


async def test_every_usage_field_with_a_price_is_booked(room: GatewayRoom, sim: ClaudeSim) -> None:
    usage = {
        "cache_read_input_tokens": 700,
        "cache_creation": {"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 30},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        "service_tier": "batch",
        "inference_geo": "us",
    }
    sim.script([Step((Say("an answer"),), usage=usage)] * 2)
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        await drink(client)
        await client.messages.create(
            model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "go"}]
        )
    for line in await room.booked():
        booked = line.usage
        assert (booked.cache_read_tokens, booked.cache_write_5m_tokens, booked.cache_write_1h_tokens) == (
            700,
            50,
            30,
        )
        assert (booked.web_searches, booked.service_tier, booked.geo) == (2, "batch", "us")


async def test_the_model_that_answered_is_the_one_booked(room: GatewayRoom, sim: ClaudeSim) -> None:
    sim.script([Step((Say("from another"),), model="claude-sonnet-5-5")])
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        await drink(client)
    assert [line.model for line in await room.booked()] == ["claude-sonnet-5-5"]


async def test_a_model_without_a_price_is_booked_unpriced_and_goes_on(room: GatewayRoom) -> None:
    claim = await room.claim()
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        assert await ask(client, model=UNPRICED_MODEL)
        assert await ask(client, model=UNPRICED_MODEL)
    lines = await room.booked()
    assert [line.price for line in lines] == [Unpriced(f"no price for {UNPRICED_MODEL}")] * 2
    assert all(line.usage.output_tokens > 0 and not line.estimated for line in lines)
    assert await room.store.ledger.spent(claim.task.id) == 0


async def test_a_refused_request_leaves_no_line(room: GatewayRoom, sim: ClaudeSim) -> None:
    sim.fail("rate_limit")
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        with pytest.raises(anthropic.RateLimitError):
            await drink(client)
    assert await room.booked() == []
    assert await room.still_open() == 0


@pytest.mark.parametrize("failure", ["mid_overloaded", "mid_drop"])
async def test_an_answer_that_breaks_off_is_booked_as_far_as_it_came(
    room: GatewayRoom, sim: ClaudeSim, failure: str
) -> None:
    sim.fail(failure)
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        with pytest.raises(anthropic.APIStatusError):
            await drink(client)
    await sim.wait_for_served(1)
    lines = await assert_ledger_is_what_was_served(room, sim)
    assert [line.estimated for line in lines] == [True]
    assert lines[0].usage.output_tokens > 1


async def test_a_session_that_hangs_up_is_booked_as_far_as_it_came(room: GatewayRoom, sim: ClaudeSim) -> None:
    hold(sim)
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        reader = Reader(client)
        await reader.halfway()
        await reader.hang_up()
        await sim.wait_for_served(1)
    lines = await assert_ledger_is_what_was_served(room, sim)
    assert [line.estimated for line in lines] == [True]


async def test_closing_the_way_cuts_what_is_under_way_and_books_it(room: GatewayRoom, sim: ClaudeSim) -> None:
    hold(sim, times=3)
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        readers = [Reader(client) for _ in range(3)]
        for reader in readers:
            await reader.halfway()
        await room.gateway.close()
        assert len(await room.booked()) == 3
        assert all([isinstance(await reader.end(), Exception) for reader in readers])
    await sim.wait_for_served(3)
    lines = await assert_ledger_is_what_was_served(room, sim)
    assert all(line.estimated for line in lines)


async def test_a_cancelled_attempt_waits_until_everything_is_booked(
    room: GatewayRoom, sim: ClaudeSim
) -> None:
    claim = await room.claim()
    halfway = asyncio.Event()

    async def attempt() -> None:
        async with room.gateway.admit(claim) as access, sdk(access) as client:
            reader = Reader(client)
            await reader.halfway()
            halfway.set()
            await reader.end()

    hold(sim)
    running = asyncio.create_task(attempt())
    await halfway.wait()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert len(await room.booked()) == 1
    await sim.wait_for_served(1)
    await assert_ledger_is_what_was_served(room, sim)


class SlowLedger(SqliteLedger):
    """Says when it is about to book, and books when it may."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.about_to_book = asyncio.Event()
        self.may_book = asyncio.Event()

    async def book(
        self,
        booking_id: int,
        *,
        model: str,
        request_id: str,
        usage: Usage,
        price: Price | Unpriced,
        estimated: bool,
        now: datetime,
    ) -> None:
        self.about_to_book.set()
        await self.may_book.wait()
        await super().book(
            booking_id,
            model=model,
            request_id=request_id,
            usage=usage,
            price=price,
            estimated=estimated,
            now=now,
        )


async def test_not_even_cancelling_twice_leaves_a_line_open(sim: ClaudeSim, tmp_path: Path) -> None:
    ledgers: list[SlowLedger] = []

    def slow(database: Database) -> SlowLedger:
        ledgers.append(SlowLedger(database))
        return ledgers[0]

    async with gateway_room(tmp_path, sim.url, sim.key, ledger=slow) as room:
        claim = await room.claim()

        async def attempt() -> None:
            async with room.gateway.admit(claim) as access, sdk(access) as client:
                await ask(client)

        running = asyncio.create_task(attempt())
        await ledgers[0].about_to_book.wait()
        for _ in range(3):
            running.cancel()
            await asyncio.wait({running}, timeout=0.02)
        assert not running.done()
        assert await room.booked() == []
        ledgers[0].may_book.set()
        await asyncio.wait({running})
        assert running.cancelled()
        await assert_ledger_is_what_was_served(room, sim)


async def test_a_request_lost_after_it_was_sent_is_booked_unpriced(room: GatewayRoom, sim: ClaudeSim) -> None:
    sim.fail("hang")
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        asking = asyncio.create_task(drink(client))
        await sim.wait_for_requests(1)
        await sim.close()
        with pytest.raises(anthropic.APIStatusError) as caught:
            await asking
    assert caught.value.status_code == 502
    lines = await room.booked()
    assert [(line.price, line.estimated) for line in lines] == [(Unpriced("sent, but no answer came"), True)]
    assert lines[0].model == MODEL


async def test_a_request_that_never_left_leaves_no_line(room: GatewayRoom, sim: ClaudeSim) -> None:
    await sim.close()
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        with pytest.raises(anthropic.APIStatusError, match="could not be reached"):
            await drink(client)
    assert await room.booked() == []
    assert await room.still_open() == 0


async def test_attempts_at_once_keep_their_own_books(room: GatewayRoom, sim: ClaudeSim) -> None:
    claims = [await room.claim() for _ in range(5)]

    async def attempt(place: int) -> None:
        async with room.gateway.admit(claims[place]) as access, sdk(access) as client:
            for turn in range(place + 1):
                await ask(client, f"task {place}, turn {turn}, {LONG[: place * 100]}")

    await asyncio.gather(*(attempt(place) for place in range(5)))
    lines = await room.booked()
    served = {one.request_id: usage_of(one) for one in sim.served}
    assert {line.request_id: line.usage for line in lines} == served
    for place, claim in enumerate(claims):
        mine = [line for line in lines if line.task_id == claim.task.id]
        assert len(mine) == place + 1
        paid = sum(line.price.micro_usd for line in mine if isinstance(line.price, Price))
        assert await room.store.ledger.spent(claim.task.id) == paid
