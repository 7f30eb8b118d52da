"""What a budget left, models without a price, and what is known of a request when the process dies."""

from dataclasses import replace

import anthropic
import pytest

from bot.rehearsal.claude import ClaudeSim, Say, Step
from dispatch.faults import OVER_BUDGET_ERROR, OVER_CAP_ERROR
from dispatch.usage import Price
from tests.integration.gateway_room import (
    HALF_HELD,
    MODEL,
    TOKEN_CAP,
    UNHELD_MODEL,
    UNPRICED_MODEL,
    GatewayRoom,
    Reader,
    ask,
    price,
    room,
    sdk,
    sim,
)

__all__ = ["room", "sim"]


def refusal(error: anthropic.APIStatusError) -> tuple[str, str]:
    """The type and the words of a refusal."""
    assert isinstance(error.body, dict)
    return error.body["error"]["type"], error.body["error"]["message"]


async def test_an_attempt_stops_at_what_a_budget_had_left_and_says_so(
    room: GatewayRoom, sim: ClaudeSim
) -> None:
    claim = replace(await room.claim(), limit_micro_usd=10_000)
    sim.script([Step((Say("done"),), usage={"output_tokens": 1000})])
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        await ask(client)
        with pytest.raises(anthropic.APIStatusError) as caught:
            await ask(client)
    kind, words = refusal(caught.value)
    assert kind == OVER_BUDGET_ERROR
    assert words.startswith("a budget had $0.01 left for it")
    assert len(sim.served) == 1


async def test_a_model_with_neither_price_nor_token_cap_is_refused_and_told_so(
    room: GatewayRoom, sim: ClaudeSim
) -> None:
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        with pytest.raises(anthropic.NotFoundError) as caught:
            await ask(client, model=UNHELD_MODEL)
    assert "needs all its prices under [prices], or a cap under [token_caps]" in refusal(caught.value)[1]
    assert sim.served == []


async def test_what_comes_at_a_price_that_nobody_knows_is_cut_and_asked_no_more(
    room: GatewayRoom, sim: ClaudeSim
) -> None:
    sim.script([Step((HALF_HELD,), usage={"service_tier": "priority"})])
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        for _ in range(2):
            with pytest.raises(anthropic.APIStatusError) as caught:
                await ask(client)
            assert "no price for service tier priority" in refusal(caught.value)[1]
    (line,) = await room.booked()
    assert not isinstance(line.price, Price)
    assert line.usage.prompt_tokens > 0
    assert len(sim.served) == 1


async def test_nor_is_what_came_whole(room: GatewayRoom, sim: ClaudeSim) -> None:
    sim.script([Step((Say("done"),), usage={"service_tier": "priority"})])
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        answer = await client.messages.create(
            model=MODEL, max_tokens=4096, messages=[{"role": "user", "content": "investigate stall"}]
        )
        assert answer.usage.service_tier == "priority"
        with pytest.raises(anthropic.NotFoundError) as caught:
            await ask(client)
    assert "no price for service tier priority" in refusal(caught.value)[1]
    assert len(sim.served) == 1


async def test_a_cap_of_tokens_holds_a_model_with_a_price_too(room: GatewayRoom, sim: ClaudeSim) -> None:
    room.gateway._token_caps = {MODEL: TOKEN_CAP}
    sim.script([Step((Say("done"),), usage={"output_tokens": TOKEN_CAP})])
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        await ask(client)
        with pytest.raises(anthropic.APIStatusError) as caught:
            await ask(client)
    assert refusal(caught.value)[0] == OVER_CAP_ERROR


async def test_a_token_cap_holds_where_dollars_cannot(room: GatewayRoom, sim: ClaudeSim) -> None:
    claim = await room.claim()
    sim.script([Step((Say("done"),), usage={"output_tokens": TOKEN_CAP})])
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        await ask(client, model=UNPRICED_MODEL)
        with pytest.raises(anthropic.APIStatusError) as caught:
            await ask(client, model=UNPRICED_MODEL)
    kind, words = refusal(caught.value)
    assert kind == OVER_CAP_ERROR
    assert f"may use {TOKEN_CAP:,} tokens" in words
    (line,) = await room.booked()
    assert not isinstance(line.price, Price)


async def test_what_a_request_has_come_to_is_known_before_it_ends(room: GatewayRoom, sim: ClaudeSim) -> None:
    claim = await room.claim()
    sim.script([Step((HALF_HELD,))])
    sim.hold()
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        reader = Reader(client)
        await reader.halfway()
        assert await room.store.ledger.close_open(price, room.clock.now()) == 1, "as after a crash"
        (line,) = await room.booked()
        assert line.estimated
        assert line.request_id
        assert line.usage.prompt_tokens > 0
        assert isinstance(line.price, Price)
        assert line.price.micro_usd > 0
        await reader.hang_up()
    sim.release()
