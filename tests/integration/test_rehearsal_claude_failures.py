"""The simulated Claude fails as told, and the real SDK raises what it raises on the real API."""

import asyncio
from collections.abc import AsyncIterator

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message, MessageParam

from bot.rehearsal.claude import ClaudeSim, Failure, Step, Think, say
from tests.integration.rehearsal_claude import MODEL, ask, claude, sdk

TASK: list[MessageParam] = [{"role": "user", "content": "investigate stall"}]
CHUNK = 24
HALVES = say("a" * CHUNK * 2 + "z" * CHUNK * 2)

REFUSALS = [
    (Failure.INVALID_REQUEST, anthropic.BadRequestError, 400, "invalid_request_error", None),
    (Failure.PROMPT_TOO_LONG, anthropic.BadRequestError, 400, "invalid_request_error", None),
    (Failure.CREDIT, anthropic.BadRequestError, 400, "invalid_request_error", None),
    (Failure.ON_HOLD, anthropic.BadRequestError, 400, "invalid_request_error", "organization_on_hold"),
    (Failure.AUTHENTICATION, anthropic.AuthenticationError, 401, "authentication_error", None),
    (Failure.BILLING, anthropic.PaymentRequiredError, 402, "billing_error", None),
    (Failure.PERMISSION, anthropic.PermissionDeniedError, 403, "permission_error", None),
    (Failure.NOT_FOUND, anthropic.NotFoundError, 404, "not_found_error", None),
    (Failure.TOO_LARGE, anthropic.ContentTooLargeError, 413, "request_too_large", None),
    (Failure.RATE_LIMIT, anthropic.RateLimitError, 429, "rate_limit_error", None),
    (Failure.RATE_LIMIT_NO_RETRY, anthropic.RateLimitError, 429, "rate_limit_error", None),
    (Failure.SPEND_LIMIT, anthropic.RateLimitError, 429, "rate_limit_error", "enforced_spend_limit_reached"),
    (
        Failure.CONTRACT_LIMIT,
        anthropic.RateLimitError,
        429,
        "rate_limit_error",
        "contract_spend_limit_reached",
    ),
    (Failure.SERVER_ERROR, anthropic.InternalServerError, 500, "api_error", None),
    (Failure.BAD_GATEWAY, anthropic.InternalServerError, 502, None, None),
    (Failure.GATEWAY_TIMEOUT, anthropic.GatewayTimeoutError, 504, "timeout_error", None),
    (Failure.OVERLOADED, anthropic.OverloadedError, 529, "overloaded_error", None),
]
SPOILED = {
    Failure.REFUSAL,
    Failure.MAX_TOKENS,
    Failure.MID_OVERLOADED,
    Failure.MID_DROP,
    Failure.HANG,
    Failure.STALLED,
    Failure.SLOW,
}


@pytest.fixture
async def sim() -> AsyncIterator[ClaudeSim]:
    async with claude() as running:
        yield running


@pytest.fixture
async def client(sim: ClaudeSim) -> AsyncIterator[AsyncAnthropic]:
    async with sdk(sim) as opened:
        yield opened


def test_every_failure_is_tried_here() -> None:
    assert {refusal[0] for refusal in REFUSALS} | SPOILED == set(Failure)


@pytest.mark.parametrize(("kind", "raised", "status", "error_type", "code"), REFUSALS)
async def test_a_refusal_raises_its_class_once(
    sim: ClaudeSim,
    client: AsyncAnthropic,
    kind: Failure,
    raised: type[anthropic.APIStatusError],
    status: int,
    error_type: str | None,
    code: str | None,
) -> None:
    sim.fail(kind)
    with pytest.raises(raised) as caught:
        await ask(client)
    assert (caught.value.status_code, caught.value.type, caught.value.error_code) == (
        status,
        error_type,
        code,
    )
    assert caught.value.request_id == sim.served[0].request_id
    assert sim.served[0].usage == {}
    assert (sim.served[0].failure, sim.served[0].status) == (kind.value, status)
    assert sim.pending_failures == ()
    assert await ask(client)


async def test_low_credit_is_a_bad_request_that_only_its_words_tell(
    sim: ClaudeSim, client: AsyncAnthropic
) -> None:
    sim.fail("credit")
    with pytest.raises(anthropic.BadRequestError, match="credit balance is too low"):
        await ask(client)


async def test_a_rate_limit_says_when_to_come_back(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.fail(Failure.RATE_LIMIT, retry_after=120)
    sim.fail(Failure.RATE_LIMIT_NO_RETRY)
    with pytest.raises(anthropic.RateLimitError) as waiting:
        await ask(client)
    with pytest.raises(anthropic.RateLimitError) as final:
        await ask(client)
    assert waiting.value.response.headers["retry-after"] == "120"
    assert "retry-after" not in final.value.response.headers
    assert final.value.response.headers["x-should-retry"] == "false"


async def test_failures_come_in_turn_and_only_to_their_model(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.fail(Failure.OVERLOADED, times=2, model="claude-opus-5-5")
    sim.fail(Failure.BILLING)
    with pytest.raises(anthropic.PaymentRequiredError):
        await ask(client)
    assert await ask(client)
    for _ in range(2):
        with pytest.raises(anthropic.OverloadedError):
            await ask(client, model="claude-opus-5-5")
    assert await ask(client, model="claude-opus-5-5")


async def test_a_failure_can_be_called_off(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.fail(Failure.OVERLOADED, times=3)
    sim.recover()
    assert await ask(client)


@pytest.mark.parametrize("times", [0, -1])
async def test_a_failure_must_happen_at_least_once(sim: ClaudeSim, times: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sim.fail(Failure.OVERLOADED, times=times)


async def test_an_unknown_failure_is_refused(sim: ClaudeSim) -> None:
    with pytest.raises(ValueError, match="gremlins"):
        sim.fail("gremlins")


async def test_overload_in_the_middle_is_an_error_of_status_200(
    sim: ClaudeSim, client: AsyncAnthropic
) -> None:
    sim.script([HALVES])
    sim.fail(Failure.MID_OVERLOADED)
    heard = ""
    with pytest.raises(anthropic.APIStatusError) as caught:
        async with client.messages.stream(model=MODEL, max_tokens=99, messages=TASK) as stream:
            async for text in stream.text_stream:
                heard += text
    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")
    assert heard == "a" * CHUNK * 2
    cut = sim.served[0]
    assert (cut.status, cut.finished, cut.output_tokens) == (200, False, CHUNK * 2 / 4)
    assert cut.input_tokens > 0


async def test_overload_without_a_stream_is_529(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.fail(Failure.MID_OVERLOADED)
    with pytest.raises(anthropic.OverloadedError):
        await client.messages.create(model=MODEL, max_tokens=99, messages=TASK)


async def test_a_line_cut_in_the_middle_raises_a_transport_error(
    sim: ClaudeSim, client: AsyncAnthropic
) -> None:
    sim.script([HALVES])
    sim.fail(Failure.MID_DROP)
    heard = ""
    with pytest.raises(httpx2.RemoteProtocolError):
        async with client.messages.stream(model=MODEL, max_tokens=99, messages=TASK) as stream:
            async for text in stream.text_stream:
                heard += text
    assert heard == "a" * CHUNK * 2
    assert (sim.served[0].finished, sim.served[0].output_tokens) == (False, CHUNK * 2 / 4)


async def test_a_line_cut_before_any_answer_is_a_connection_error(
    sim: ClaudeSim, client: AsyncAnthropic
) -> None:
    sim.fail(Failure.MID_DROP)
    with pytest.raises(anthropic.APIConnectionError):
        await client.messages.create(model=MODEL, max_tokens=99, messages=TASK)
    assert (sim.served[0].status, sim.served[0].usage) == (0, {})


async def test_a_hung_request_times_out_with_nothing_served(sim: ClaudeSim) -> None:
    sim.fail(Failure.HANG)
    async with sdk(sim, seconds=0.2) as hasty:
        with pytest.raises(anthropic.APITimeoutError):
            await ask(hasty)
    await sim.wait_for_served(1)
    assert (sim.served[0].status, sim.served[0].usage) == (0, {})


async def test_a_stalled_stream_times_out_after_half_the_answer(sim: ClaudeSim) -> None:
    sim.script([HALVES])
    sim.fail(Failure.STALLED)
    heard = ""
    async with sdk(sim, seconds=0.3) as hasty:
        with pytest.raises(httpx2.ReadTimeout):
            async with hasty.messages.stream(model=MODEL, max_tokens=99, messages=TASK) as stream:
                async for text in stream.text_stream:
                    heard += text
    await sim.wait_for_served(1)
    assert heard == "a" * CHUNK * 2
    assert (sim.served[0].finished, sim.served[0].output_tokens) == (False, CHUNK * 2 / 4)


async def test_closing_ends_a_hung_request(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.fail(Failure.HANG)
    waiting = asyncio.ensure_future(ask(client))
    await sim.wait_for_requests(1)
    await sim.close()
    with pytest.raises(anthropic.APIConnectionError):
        await waiting
    assert sim.served[0].status == 0


async def test_a_slow_answer_takes_its_time_and_arrives(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.script([say("a" * CHUNK * 2), say("a" * CHUNK * 2)])
    sim.fail(Failure.SLOW)
    loop = asyncio.get_running_loop()
    started = loop.time()
    slow = await ask(client)
    between = loop.time()
    assert slow == await ask(client)
    assert between - started >= 0.4 > loop.time() - between


@pytest.mark.parametrize("stream", [True, False])
async def test_a_refused_answer_keeps_its_first_half(
    sim: ClaudeSim, client: AsyncAnthropic, stream: bool
) -> None:
    sim.script([HALVES])
    sim.fail(Failure.REFUSAL)
    if stream:
        async with client.messages.stream(model=MODEL, max_tokens=99, messages=TASK) as opened:
            message: Message = await opened.get_final_message()
    else:
        message = await client.messages.create(model=MODEL, max_tokens=99, messages=TASK)
    assert message.stop_reason == "refusal"
    assert message.content[0].to_dict()["text"] == "a" * CHUNK * 2
    assert message.usage.output_tokens == CHUNK * 2 / 4


async def test_an_answer_out_of_room_says_so(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.script([Step((Think("t" * 100), *HALVES.blocks))])
    sim.fail(Failure.MAX_TOKENS)
    message = await client.messages.create(model=MODEL, max_tokens=99, messages=TASK)
    assert message.stop_reason == "max_tokens"
    assert message.content[0].to_dict()["text"] == "a" * CHUNK * 2


async def test_a_closed_simulator_refuses_connections_and_may_start_again(
    sim: ClaudeSim, client: AsyncAnthropic
) -> None:
    url = sim.url
    await sim.close()
    with pytest.raises(anthropic.APIConnectionError):
        await ask(client)
    await sim.start()
    assert sim.url == url
    assert await ask(client)
