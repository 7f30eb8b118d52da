"""The simulated Claude counts honestly: what it says it served is what went over the wire."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import ClientSession
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam, TextBlockParam

from bot.rehearsal.claude import ClaudeSim, Step, say
from tests.integration.rehearsal_claude import MODEL, MovedClock, ask, claude, sdk

TASK: list[MessageParam] = [{"role": "user", "content": "investigate stall"}]
RULES: list[TextBlockParam] = [
    {"type": "text", "text": "Be brief. " * 200, "cache_control": {"type": "ephemeral"}}
]


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def sim(clock: MovedClock) -> AsyncIterator[ClaudeSim]:
    async with claude(clock) as running:
        yield running


@pytest.fixture
async def client(sim: ClaudeSim) -> AsyncIterator[AsyncAnthropic]:
    async with sdk(sim) as opened:
        yield opened


async def test_output_is_a_quarter_of_the_characters(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.script([say("x" * 401)])
    message = await client.messages.create(model=MODEL, max_tokens=999, messages=TASK)
    assert message.usage.output_tokens == 101


async def test_input_follows_the_size_of_the_prompt(client: AsyncAnthropic) -> None:
    async def counted(words: str) -> int:
        counts = await client.messages.count_tokens(
            model=MODEL, messages=[{"role": "user", "content": words}]
        )
        return counts.input_tokens

    assert await counted("x" * 4001) - await counted("x") == 1000
    assert await counted("é" * 2001) - await counted("é") == 1000


async def test_counting_ahead_agrees_with_the_answer(client: AsyncAnthropic) -> None:
    ahead = await client.messages.count_tokens(model=MODEL, messages=TASK, system="Be brief.")
    message = await client.messages.create(model=MODEL, max_tokens=999, messages=TASK, system="Be brief.")
    assert message.usage.input_tokens == ahead.input_tokens


async def test_the_books_hold_what_the_client_was_told(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    async with client.messages.stream(model=MODEL, max_tokens=999, messages=TASK, system=RULES) as stream:
        told = (await stream.get_final_message()).usage
    booked = sim.served[0]
    assert (booked.input_tokens, booked.output_tokens) == (told.input_tokens, told.output_tokens)
    assert booked.cache_write_5m_tokens == told.cache_creation_input_tokens
    assert booked.system == RULES[0]["text"]
    assert booked.messages == ({"role": "user", "content": "investigate stall"},)


async def test_a_prefix_is_written_once_and_then_read(client: AsyncAnthropic) -> None:
    first, second = [
        (await client.messages.create(model=MODEL, max_tokens=999, messages=TASK, system=RULES)).usage
        for _ in range(2)
    ]
    assert first.cache_creation is not None
    assert first.cache_creation.ephemeral_5m_input_tokens == first.cache_creation_input_tokens
    assert (first.cache_creation_input_tokens or 0) > 500
    assert first.cache_read_input_tokens == 0
    assert (second.cache_read_input_tokens, second.cache_creation_input_tokens) == (
        first.cache_creation_input_tokens,
        0,
    )
    assert first.input_tokens == second.input_tokens > 0


async def test_every_prompt_token_is_counted_in_one_place(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    plain = await client.messages.count_tokens(model=MODEL, messages=TASK, system=str(RULES[0]["text"]))
    for _ in range(2):
        await client.messages.create(model=MODEL, max_tokens=9, messages=TASK, system=RULES)
    totals = [one.input_tokens + one.cache_read_tokens + one.cache_write_tokens for one in sim.served]
    assert totals[0] == totals[1] == plain.input_tokens


async def test_the_cache_forgets_after_five_minutes_without_use(
    sim: ClaudeSim, client: AsyncAnthropic, clock: MovedClock
) -> None:
    for minutes in (0, 4, 4, 5):
        clock.move(timedelta(minutes=minutes))
        await client.messages.create(model=MODEL, max_tokens=9, messages=TASK, system=RULES)
    assert [one.cache_read_tokens > 0 for one in sim.served] == [False, True, True, False]


async def test_the_hour_cache_is_booked_apart_and_lives_an_hour(
    sim: ClaudeSim, client: AsyncAnthropic, clock: MovedClock
) -> None:
    for minutes in (0, 59, 61):
        clock.move(timedelta(minutes=minutes))
        await client.messages.create(
            model=MODEL, max_tokens=9, messages=TASK, cache_control={"type": "ephemeral", "ttl": "1h"}
        )
    assert [one.cache_write_1h_tokens > 0 for one in sim.served] == [True, False, True]
    assert [one.cache_read_tokens > 0 for one in sim.served] == [False, True, False]
    assert [one.cache_write_5m_tokens for one in sim.served] == [0, 0, 0]


async def test_another_model_does_not_share_the_cache(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    for model in (MODEL, "claude-sonnet-5-5"):
        await client.messages.create(model=model, max_tokens=9, messages=TASK, system=RULES)
    assert [one.cache_read_tokens for one in sim.served] == [0, 0]


async def test_a_longer_conversation_reads_what_it_said_before(
    sim: ClaudeSim, client: AsyncAnthropic
) -> None:
    more: list[MessageParam] = [
        *TASK,
        {"role": "assistant", "content": "Which?"},
        {"role": "user", "content": "a"},
    ]
    for messages in (TASK, more):
        await client.messages.create(
            model=MODEL, max_tokens=9, messages=messages, cache_control={"type": "ephemeral"}
        )
    assert sim.served[1].cache_read_tokens == sim.served[0].cache_write_5m_tokens > 0
    assert sim.served[1].cache_write_5m_tokens > 0


async def test_usage_can_be_scripted(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    usage = {
        "input_tokens": 60_000,
        "cache_read_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "output_tokens": 9,
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
        "service_tier": "batch",
    }
    sim.script([Step(say("hi").blocks, usage=usage), Step(say("hi").blocks, usage=usage)])
    whole = (await client.messages.create(model=MODEL, max_tokens=9, messages=TASK)).usage
    async with client.messages.stream(model=MODEL, max_tokens=9, messages=TASK) as stream:
        streamed = (await stream.get_final_message()).usage
    for told in (whole, streamed):
        assert (told.input_tokens, told.output_tokens, told.cache_read_input_tokens) == (60_000, 9, 7)
        assert told.cache_creation_input_tokens == 7
        assert told.service_tier == "batch"
        assert told.server_tool_use is not None
        assert told.server_tool_use.web_search_requests == 2
    assert (sim.served[1].cache_write_1h_tokens, sim.served[1].web_searches) == (4, 2)


async def test_what_changes_the_price_comes_back_in_the_usage(client: AsyncAnthropic) -> None:
    usage = (
        await client.messages.create(
            model=MODEL, max_tokens=9, messages=TASK, speed="fast", inference_geo="us", service_tier="auto"
        )
    ).usage
    assert (usage.speed, usage.inference_geo, usage.service_tier) == ("fast", "us", "standard")


async def test_a_stream_opens_with_the_prompt_and_ends_with_the_total(sim: ClaudeSim) -> None:
    body = {"model": MODEL, "max_tokens": 999, "stream": True, "messages": TASK, "system": RULES}
    headers = {"x-api-key": sim.key, "anthropic-version": "2023-06-01"}
    async with (
        ClientSession() as http,
        http.post(f"{sim.url}/v1/messages", json=body, headers=headers) as answer,
    ):
        text = await answer.text()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["request-id"] == sim.served[0].request_id
        assert answer.headers["anthropic-ratelimit-requests-remaining"] == "4000"
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    names = [event["type"] for event in events]
    assert names[:3] == ["message_start", "ping", "content_block_start"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    opening, ending = events[0]["message"]["usage"], events[-2]["usage"]
    assert opening["output_tokens"] == 1
    assert opening["cache_creation"]["ephemeral_5m_input_tokens"] > 0
    assert "cache_creation" not in ending
    assert ending["output_tokens"] == sim.served[0].output_tokens > 1
    assert ending["input_tokens"] == opening["input_tokens"]


async def test_the_rate_limit_headers_count_the_last_minute(
    sim: ClaudeSim, client: AsyncAnthropic, clock: MovedClock
) -> None:
    await ask(client)
    left = []
    for minutes in (0, 2):
        clock.move(timedelta(minutes=minutes))
        raw = await client.messages.with_raw_response.create(model=MODEL, max_tokens=9, messages=TASK)
        left.append(int(raw.headers["anthropic-ratelimit-requests-remaining"]))
    assert left == [3998, 3999]
