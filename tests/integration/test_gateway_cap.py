"""The cap of a task holds while a session runs, and what was spent reaching it is booked."""

import asyncio
from pathlib import Path

import anthropic
import pytest

from bot.rehearsal.claude import ClaudeSim, Say, Step
from dispatch.faults import OVER_CAP_ERROR, FaultKind
from dispatch.runners.messages import MessagesRunner
from dispatch.store.ledger import SqliteLedger
from dispatch.task import Verdict
from dispatch.usage import Price, Usage
from tests.integration.gateway_room import (
    HALF_HELD,
    GatewayRoom,
    Reader,
    ask,
    gateway_room,
    hold,
    open_session,
    price,
    room,
    sdk,
    sim,
    usage_of,
)

__all__ = ["room", "sim"]


def cost(sim: ClaudeSim) -> int:
    prices = [price(one.model, usage_of(one)) for one in sim.served]
    return sum(one.micro_usd for one in prices if isinstance(one, Price))


async def cost_when_held(room: GatewayRoom, sim: ClaudeSim) -> int:
    """What half an answer costs: the part that is sent while the simulator holds it."""
    hold(sim)
    async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
        reader = Reader(client)
        await reader.halfway()
        await reader.hang_up()
    await sim.wait_for_served(1)
    sim.release()
    return cost(sim)


async def test_a_spent_cap_refuses_the_next_request(room: GatewayRoom, sim: ClaudeSim) -> None:
    claim = await room.claim(cap_micro_usd=10_000)
    sim.script([Step((Say("done"),), usage={"output_tokens": 1000})])
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        await ask(client)
        spent = await room.store.ledger.spent(claim.task.id)
        assert spent > 10_000
        with pytest.raises(anthropic.APIStatusError) as caught:
            await ask(client)
    assert caught.value.status_code == 402
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["error"]["type"] == OVER_CAP_ERROR
    assert body["error"]["message"] == f"this task's cap is $0.01 and it has spent ${spent / 1e6:.6f}"
    assert len(sim.served) == 1
    assert await room.still_open() == 0


async def test_the_cap_counts_what_earlier_attempts_spent(room: GatewayRoom, sim: ClaudeSim) -> None:
    claim = await room.claim(cap_micro_usd=10_000)
    sim.script([Step((Say("done"),), usage={"output_tokens": 1000})])
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        await ask(client)
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        with pytest.raises(anthropic.APIStatusError, match=OVER_CAP_ERROR):
            await ask(client)


async def test_a_stream_that_crosses_the_cap_is_cut_and_booked(room: GatewayRoom, sim: ClaudeSim) -> None:
    held_at = await cost_when_held(room, sim)
    before = len(sim.served)
    hold(sim)
    claim = await room.claim(cap_micro_usd=held_at - 1)
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        ended_with = await Reader(client).end()
        await sim.wait_for_served(before + 1)
    assert isinstance(ended_with, anthropic.APIStatusError)
    assert OVER_CAP_ERROR in str(ended_with.body)
    assert not sim.served[-1].finished
    line = (await room.booked())[-1]
    assert line.usage == usage_of(sim.served[-1])
    assert line.estimated
    assert await room.store.ledger.spent(claim.task.id) == held_at


class SlowToNote(SqliteLedger):
    """A ledger that is never done noting what an open request has come to."""

    async def note(self, booking_id: int, model: str, request_id: str, usage: Usage) -> None:
        await asyncio.Event().wait()


async def test_a_cut_does_not_wait_for_a_note(sim: ClaudeSim, tmp_path: Path) -> None:
    async with gateway_room(tmp_path, sim.url, sim.key, ledger=SlowToNote) as room:
        hold(sim)
        claim = await room.claim(cap_micro_usd=1)
        async with asyncio.timeout(10), room.gateway.admit(claim) as access, sdk(access) as client:
            assert OVER_CAP_ERROR in str(await Reader(client).end())
        (line,) = await room.booked()
        assert line.estimated


async def test_a_stream_that_stays_under_the_cap_is_whole(room: GatewayRoom, sim: ClaudeSim) -> None:
    held_at = await cost_when_held(room, sim)
    whole = "x" * 2000
    sim.script([Step((Say(whole),))])
    claim = await room.claim(cap_micro_usd=held_at + 11 * 500)
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        assert await ask(client, "go") == whole
    assert await room.store.ledger.spent(claim.task.id) <= claim.task.route.cap_micro_usd


async def test_requests_at_once_share_the_cap(room: GatewayRoom, sim: ClaudeSim) -> None:
    held_at = await cost_when_held(room, sim)
    before = len(sim.served)
    hold(sim, times=3)
    claim = await room.claim(cap_micro_usd=3 * held_at - 1)
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        first, second = Reader(client), Reader(client)
        await first.halfway()
        await second.halfway()
        assert OVER_CAP_ERROR in str(await Reader(client).end())
        await sim.wait_for_served(before + 1)
        await first.hang_up()
        await second.hang_up()
        await sim.wait_for_served(before + 3)
    assert await room.store.ledger.spent(claim.task.id) == 3 * held_at
    assert await room.still_open() == 0


async def test_what_one_request_has_spent_counts_for_another_under_way(
    room: GatewayRoom, sim: ClaudeSim
) -> None:
    half = await cost_when_held(room, sim)
    sim.script([Step((HALF_HELD,))] * 2)
    sim.fail("slow")
    claim = await room.claim(cap_micro_usd=3 * half)
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        slow = Reader(client)
        await sim.wait_for_requests(2)
        assert await Reader(client).end() is None
        assert OVER_CAP_ERROR in str(await slow.end())
    assert await room.still_open() == 0


async def test_a_session_over_its_cap_keeps_its_work(room: GatewayRoom, sim: ClaudeSim) -> None:
    said = "The first half of the work. " * 100
    sim.script([Step((Say(said),))])
    sim.hold()
    claim = await room.claim(cap_micro_usd=2000)
    async with room.gateway.admit(claim) as access:
        outcome = await MessagesRunner().run(open_session(claim, access))
    sim.release()
    assert outcome.verdict is Verdict.FAILED
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.OVER_CAP
    assert "cap is $0.002" in outcome.fault.detail
    assert outcome.text
    assert said.startswith(outcome.text)
