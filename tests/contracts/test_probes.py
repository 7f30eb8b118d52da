"""`ports.Queue` and `ports.Gates`: a probe that comes to nothing leaves the way to the next one."""

import asyncio
from datetime import timedelta

import pytest

from dispatch.faults import Fault, FaultKind
from dispatch.gates import RUNTIME, Gate, GateState
from dispatch.policy import Seating, Settlement
from dispatch.states import State
from dispatch.task import Claim, Outcome, Tier, Verdict
from tests.contracts.stores import LEASE, NOW, SECOND, Parts

CLOSED = Gate("opus", GateState.CLOSED, FaultKind.RATE_LIMITED, faults=1, closed_at=NOW, opens_at=NOW)


async def probing(store: Parts) -> Claim:
    """The claim of a probe; one more task waits behind its gate."""
    await store.add("a")
    outcome = Outcome(Verdict.FAILED, fault=Fault(FaultKind.RATE_LIMITED))
    await store.queue.settle(await store.claim(), outcome, Settlement(State.QUEUED, gates=(CLOSED,)), NOW)
    await store.add("b")
    probe = await store.claim()
    assert (await store.gates.all())["opus"].probe == probe.task.id
    assert await store.queue.claim(Tier.OPUS, Seating(9), NOW + LEASE, NOW) is None
    return probe


@pytest.mark.parametrize("lost", ["swept", "given back"])
async def test_a_probe_that_is_lost_is_followed_by_another(store: Parts, lost: str) -> None:
    probe, later = await probing(store), NOW + LEASE + SECOND
    if lost == "swept":
        assert await store.queue.sweep(later) == 1
    else:
        await store.queue.give_back(probe, "stopped", later)
    gate = (await store.gates.all())["opus"]
    assert (gate.state, gate.probe, gate.opens_at) == (GateState.CLOSED, None, later)
    await store.claim(now=later)
    assert (await store.gates.all())["opus"].state is GateState.PROBING


async def test_a_probe_claimed_for_nobody_is_followed_by_another(store: Parts) -> None:
    await store.queue.give_back(await probing(store), "stopped", NOW)
    later = NOW + timedelta(minutes=1)
    claiming = asyncio.create_task(store.queue.claim(Tier.OPUS, Seating(9), later + LEASE, later))
    await asyncio.wait({claiming}, timeout=0)
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    assert (await store.gates.all())["opus"].state is GateState.CLOSED
    await store.claim(now=later)


async def test_losing_another_task_leaves_a_probe_under_way_alone(store: Parts) -> None:
    await store.add("elsewhere", 9)
    await store.claim(Tier.HAIKU, now=NOW - LEASE)
    probe = await probing(store)
    assert await store.queue.sweep(NOW + SECOND) == 1
    assert (await store.gates.all())["opus"].probe == probe.task.id


async def test_the_probe_of_all_tiers_is_another_task_also_where_it_waits_in_another_tier(
    store: Parts,
) -> None:
    number = (await store.add("a")).id
    shut = Gate(
        RUNTIME, GateState.CLOSED, FaultKind.RUNTIME, faults=3, closed_at=NOW, opens_at=NOW, suspect=number
    )
    outcome = Outcome(Verdict.FAILED, fault=Fault(FaultKind.RUNTIME))
    await store.queue.settle(await store.claim(), outcome, Settlement(State.QUEUED, gates=(shut,)), NOW)
    await store.add("elsewhere", 9)
    assert await store.queue.claim(Tier.OPUS, Seating(9), NOW + LEASE, NOW) is None
    await store.claim(Tier.HAIKU)
    assert (await store.gates.all())[RUNTIME].state is GateState.PROBING


@pytest.mark.parametrize("why", ["it waits at a gate of its own", "there is none"])
async def test_one_that_no_other_can_stand_in_for_is_the_probe(store: Parts, why: str) -> None:
    number = (await store.add("a")).id
    later = NOW + timedelta(hours=1)
    gates = (
        Gate(
            RUNTIME,
            GateState.CLOSED,
            FaultKind.RUNTIME,
            faults=3,
            closed_at=NOW,
            opens_at=NOW,
            suspect=number,
        ),
        Gate("haiku", GateState.CLOSED, FaultKind.RATE_LIMITED, faults=1, closed_at=NOW, opens_at=later),
    )
    outcome = Outcome(Verdict.FAILED, fault=Fault(FaultKind.RUNTIME))
    await store.queue.settle(await store.claim(), outcome, Settlement(State.QUEUED, gates=gates), NOW)
    if why != "there is none":
        await store.add("elsewhere", 9)
    assert (await store.claim()).task.id == number
