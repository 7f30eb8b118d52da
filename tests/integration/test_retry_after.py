"""What the API says about asking again reaches the gate, also from a session that does not pass it on."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.faults import Fault, FaultKind
from dispatch.gates import GateState
from dispatch.ports import Session
from dispatch.seats.local import LocalSeats
from dispatch.task import Outcome, Tier, Verdict
from dispatch.worker import Worker
from tests.fakes.clock import FakeClock
from tests.fakes.upstream import KEY, FakeUpstream, fake_upstream
from tests.integration.gateway_room import MODEL, TERMS, GatewayRoom, gateway_room, plain_http
from tests.integration.work_room import FakeNotifier, FakeQuotes

REQUEST = {"model": MODEL, "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
TOO_FAST = b'{"type":"error","error":{"type":"rate_limit_error","message":"too fast"}}'
JSON = {"content-type": "application/json"}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with fake_upstream() as running:
        running.status, running.headers, running.pieces = 429, {**JSON, "retry-after": "120"}, [TOO_FAST]
        yield running


@pytest.fixture
async def room(upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[GatewayRoom]:
    async with gateway_room(tmp_path, upstream.url, KEY) as opened:
        yield opened


class Terse:
    """`ports.Runner` that asks once and tells of a refusal no more than its kind, as an agent does."""

    def __init__(self, kind: FaultKind) -> None:
        self._fault = Fault(kind, "refused")

    async def run(self, session: Session) -> Outcome:
        async with plain_http(session.access) as client:
            await client.post("/v1/messages", json=REQUEST)
        return Outcome(Verdict.FAILED, fault=self._fault)


async def test_the_gateway_keeps_what_the_last_answer_said(room: GatewayRoom, upstream: FakeUpstream) -> None:
    heard = []
    async with room.gateway.admit(await room.claim()) as access, plain_http(access) as client:
        for headers in (JSON, {**JSON, "retry-after": "120"}, {**JSON, "retry-after": "soon"}):
            upstream.headers = headers
            await client.post("/v1/messages", json=REQUEST)
            heard.append(access.heard.retry_after)
    assert heard == [None, 120, None]


async def test_a_gate_stays_closed_as_long_as_the_api_said(room: GatewayRoom) -> None:
    fault = await _run_one(room, FaultKind.RATE_LIMITED)
    assert fault == Fault(FaultKind.RATE_LIMITED, "refused", 120)
    gate = (await room.store.gates.all())[Tier.HAIKU]
    assert gate.state is GateState.CLOSED
    assert gate.opens_at is not None
    assert gate.closed_at is not None
    assert gate.opens_at - gate.closed_at >= timedelta(seconds=120)


async def test_a_fault_of_another_kind_is_not_told_to_wait(room: GatewayRoom) -> None:
    assert await _run_one(room, FaultKind.INCOMPLETE) == Fault(FaultKind.INCOMPLETE, "refused")


async def _run_one(room: GatewayRoom, kind: FaultKind) -> Fault | None:
    claim = await room.claim()
    worker = Worker(
        room.store.queue,
        room.store.gates,
        room.gateway,
        LocalSeats(Terse(kind)),
        FakeQuotes(),
        FakeNotifier(),
        FakeClock(),
        TERMS,
        lambda: 0.5,
    )
    await worker.run_one(claim)
    (attempt,) = await room.store.queue.attempts(claim.task.id)
    return attempt.fault
