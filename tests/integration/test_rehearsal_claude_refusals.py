"""The simulated Claude refuses what the real API refuses: keys, models, fields, conversations."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from aiohttp import ClientSession, web

from bot.rehearsal.claude import SIMULATED_KEY, ClaudeSim, Failure, Step, control_routes, say
from bot.rehearsal.claude.conversation import sign
from tests.integration.rehearsal_claude import MODEL, MovedClock, ask, claude, sdk

USER = {"role": "user", "content": "hi"}
GOOD: dict[str, Any] = {"model": MODEL, "max_tokens": 50, "messages": [USER]}
LOOK = {"name": "look", "input_schema": {"type": "object"}}
USES = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}]}
MARKED = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}

BAD = [
    ({"mood": "kind"}, "mood: Extra inputs are not permitted"),
    ({"context_management": {}}, "context_management: Extra inputs are not permitted"),
    ({"model": 5}, "model: Input should be a valid string"),
    ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    ({"max_tokens": 128_001}, "max_tokens: 128001 > 128000"),
    ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    ({"messages": "hi"}, "messages: Input should be a valid list"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": ["hi"]}, "messages.0: Input should be an object"),
    ({"messages": [{"role": "user", "content": ""}]}, "messages.0: all messages must have non-empty content"),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    ({"messages": [{"role": "robot", "content": "hi"}]}, "messages.0.role: Input should be 'user'"),
    ({"messages": [{"role": "user", "content": 4}]}, "messages.0.content: Input should be a valid string"),
    ({"messages": [{**USER, "name": "ana"}]}, "messages.0.name: Extra inputs are not permitted"),
    (
        {"messages": [{"role": "user", "content": [{"text": "hi"}]}]},
        "messages.0.content.0.type: Field required",
    ),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "content.0.text.text: Field required"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]}, "must be non-empty"),
    (
        {"messages": [{"role": "user", "content": [{"type": "tool_use"}]}]},
        "Input tag 'tool_use' is not allowed",
    ),
    ({"messages": [{"role": "assistant", "content": "hi"}]}, 'first message must use the "user" role'),
    ({"messages": [{"role": "system", "content": "hi"}]}, 'first message must use the "user" role'),
    (
        {"messages": [USER, {"role": "assistant", "content": "so"}]},
        "does not support assistant message prefill",
    ),
    ({"messages": [USER, USES, USER]}, "`tool_use` ids were found without `tool_result` blocks"),
    ({"messages": [RESULT]}, "unexpected `tool_use_id` found in `tool_result` blocks: t1"),
    (
        {"messages": [USER, {"role": "assistant", "content": [{"type": "thinking", "thinking": "?"}]}, USER]},
        "Invalid `signature` in `thinking` block",
    ),
    ({"system": 5}, "system: Input should be a valid string or list"),
    ({"system": [{"type": "image"}]}, "system.0: Input should be a text block"),
    ({"tools": {}}, "tools: Input should be a valid list"),
    ({"tools": [{"input_schema": {"type": "object"}}]}, "tools.0.custom.name: Field required"),
    ({"tools": [{**LOOK, "name": "look at"}]}, "tools.0.custom.name: String should match pattern"),
    ({"tools": [{"name": "look"}]}, "tools.0.custom.input_schema: Field required"),
    ({"tools": [{"name": "look", "input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
    ({"tools": [{"name": "look", "input_schema": {"type": "string"}}]}, "type: Input should be 'object'"),
    (
        {
            "tools": [
                {"name": "look", "input_schema": {"type": "object", "properties": {"a": {"type": "int"}}}}
            ]
        },
        "JSON schema is invalid",
    ),
    ({"tools": [LOOK, LOOK]}, "tools: Tool names must be unique."),
    ({"tools": [{"type": "telepathy", "name": "t"}]}, "Input tag 'telepathy'"),
    ({"tool_choice": {"type": "any"}}, "may only be specified while providing tools"),
    ({"tools": [LOOK], "tool_choice": {"type": "tool", "name": "x"}}, "Tool 'x' not found"),
    ({"tools": [LOOK], "tool_choice": "any"}, "tool_choice.type: Input should be"),
    ({"thinking": {"type": "deep"}}, "thinking.type: Input should be"),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "'enabled' is not supported"),
    ({"thinking": {"type": "adaptive", "budget_tokens": 2000}}, "budget_tokens: Extra inputs"),
    ({"thinking": {"type": "adaptive"}, "temperature": 0.5}, "`temperature` may only be set to 1"),
    ({"thinking": {"type": "adaptive"}, "top_k": 5}, "`top_k` must be unset"),
    (
        {"thinking": {"type": "adaptive"}, "tools": [LOOK], "tool_choice": {"type": "any"}},
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    ({"output_config": {"effort": "heroic"}}, "output_config.effort: Input should be"),
    ({"output_config": {"format": {"type": "xml"}}}, "output_config.format: Input should be"),
    ({"service_tier": "batch"}, "service_tier: Input should be"),
    ({"speed": "warp"}, "speed: Input should be"),
    ({"stop_sequences": "x"}, "stop_sequences: Input should be a list of strings"),
    ({"stop_sequences": [" "]}, "must contain non-whitespace"),
    ({"system": [MARKED] * 4, "cache_control": {"type": "ephemeral"}}, "Found 5."),
    ({"cache_control": {"type": "ephemeral", "ttl": "1d"}}, "ttl: Input should be '5m' or '1h'"),
    ({"messages": [{"role": "user", "content": "x" * 4_100_000}]}, "prompt is too long: 1025"),
]


@pytest.fixture
async def sim() -> AsyncIterator[ClaudeSim]:
    async with claude() as running:
        yield running


async def post(
    sim: ClaudeSim, body: object, path: str = "/v1/messages", **headers: str
) -> tuple[int, dict[str, Any]]:
    sent = {"x-api-key": sim.key, "anthropic-version": "2023-06-01", **headers}
    raw = io.BytesIO(json.dumps(body).encode())
    async with ClientSession() as http, http.post(sim.url + path, data=raw, headers=sent) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(("change", "message"), BAD)
async def test_a_bad_request_is_refused_with_the_reason(
    sim: ClaudeSim, change: dict[str, Any], message: str
) -> None:
    status, body = await post(sim, {**GOOD, **change})
    assert status == 400
    assert body["type"] == "error"
    assert body["error"]["type"] == "invalid_request_error"
    assert message in body["error"]["message"]
    assert (sim.served[0].status, sim.served[0].usage) == (400, {})


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
async def test_a_missing_field_is_named(sim: ClaudeSim, name: str) -> None:
    status, body = await post(sim, {key: value for key, value in GOOD.items() if key != name})
    assert (status, body["error"]["message"]) == (400, f"{name}: Field required")


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [USER, USES, RESULT]},
        {"messages": [{"role": "system", "content": "be brief"}, USER]},
        {"messages": [USER, {"role": "assistant", "content": "so"}, USER]},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}},
        {
            "model": "claude-haiku-4-5",
            "max_tokens": 5000,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
        {"tools": [LOOK, {"type": "web_search_20260318", "name": "web_search"}]},
        {"max_tokens": 0},
        {"metadata": {"user_id": "u"}, "system": [MARKED]},
        {
            "messages": [
                USER,
                {
                    "role": "assistant",
                    "content": [{"type": "thinking", "thinking": "?", "signature": sign("?")}, {**MARKED}],
                },
                USER,
            ]
        },
    ],
)
async def test_a_good_request_is_answered(sim: ClaudeSim, change: dict[str, Any]) -> None:
    status, body = await post(sim, {**GOOD, **change})
    assert (status, body["type"]) == (200, "message")


async def test_what_is_no_json_object_is_refused(sim: ClaudeSim) -> None:
    assert (await post(sim, [GOOD]))[0] == 400
    headers = {"x-api-key": sim.key, "anthropic-version": "2023-06-01"}
    async with ClientSession() as http, http.post(sim.url + "/v1/messages", data=b"{", headers=headers) as no:
        assert no.status == 400
        assert "not valid JSON" in (await no.json())["error"]["message"]


async def test_a_request_of_more_than_32_mb_is_too_large(sim: ClaudeSim) -> None:
    status, body = await post(sim, {**GOOD, "system": "x" * (33 * 1024 * 1024)})
    assert (status, body["error"]["type"]) == (413, "request_too_large")


@pytest.mark.parametrize("query", ["?beta=true", ""])
async def test_beta_fields_need_beta(sim: ClaudeSim, query: str) -> None:
    status, _ = await post(sim, {**GOOD, "context_management": {"edits": []}}, f"/v1/messages{query}")
    assert status == (200 if query else 400)


async def test_a_wrong_key_is_refused_and_not_kept(sim: ClaudeSim) -> None:
    async with sdk(sim, key="sk-ant-sim-other") as stranger:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            await ask(stranger)
    assert caught.value.type == "authentication_error"
    assert (sim.served[0].status, sim.served[0].key) == (401, "(other)")
    assert "sk-ant-sim-other" not in repr(sim.served)


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
async def test_a_key_may_come_in_either_header(sim: ClaudeSim, header: str) -> None:
    sent = {
        header: sim.key if header == "x-api-key" else f"Bearer {sim.key}",
        "anthropic-version": "2023-06-01",
    }
    async with (
        ClientSession() as http,
        http.post(sim.url + "/v1/messages", json=GOOD, headers=sent) as answer,
    ):
        assert answer.status == 200
    assert sim.served[0].key == SIMULATED_KEY


async def test_key_and_version_are_required_everywhere(sim: ClaudeSim) -> None:
    async with ClientSession() as http:
        for path in ("/v1/models", f"/v1/models/{MODEL}"):
            async with http.get(sim.url + path) as answer:
                assert answer.status == 401
        for path in ("/v1/messages", "/v1/messages/count_tokens"):
            async with http.post(sim.url + path, json=GOOD) as answer:
                assert answer.status == 401
            async with http.post(sim.url + path, json=GOOD, headers={"x-api-key": sim.key}) as answer:
                assert answer.status == 400
                assert "anthropic-version" in (await answer.json())["error"]["message"]


async def test_an_unknown_model_is_not_found(sim: ClaudeSim) -> None:
    async with sdk(sim) as client:
        with pytest.raises(anthropic.NotFoundError, match="claude-opus-9"):
            await ask(client, model="claude-opus-9")
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("claude-opus-9")
    assert (sim.served[0].asked_model, sim.served[0].model) == ("claude-opus-9", "")


@pytest.mark.parametrize("key", ["sk-ant-api03-real", "", "sk-ant-sim-", "sk-ant-sim-a b"])
def test_it_never_takes_a_key_that_could_be_real(key: str) -> None:
    with pytest.raises(ValueError, match="sk-ant-sim-"):
        ClaudeSim(now=MovedClock(), key=key)


async def test_an_invalid_request_uses_up_no_failure_and_no_step(sim: ClaudeSim) -> None:
    sim.fail(Failure.OVERLOADED)
    sim.script([say("kept")])
    assert (await post(sim, {**GOOD, "mood": 1}))[0] == 400
    assert (await post(sim, GOOD))[0] == 529
    assert (await post(sim, GOOD))[1]["content"][0]["text"] == "kept"


async def test_a_thread_that_is_not_there_cannot_go_on(sim: ClaudeSim) -> None:
    beta = {"anthropic-beta": "message-threads-2026-08-12"}
    begun = (await post(sim, {**GOOD, "thread": {"type": "create"}}, "/v1/messages?beta=true", **beta))[1]
    on = {**GOOD, "thread": {"type": "continue", "previous_message_id": begun["id"]}}
    lost = {**GOOD, "thread": {"type": "continue", "previous_message_id": "msg_0"}}
    held = {**on, "system": "again"}
    assert (await post(sim, on, "/v1/messages?beta=true"))[0] == 400
    answers = [await post(sim, body, "/v1/messages?beta=true", **beta) for body in (lost, held, on, on)]
    assert [status for status, _ in answers] == [400, 400, 200, 400]
    assert answers[0][1]["error"]["details"] == {"error_code": "thread_not_found"}
    assert answers[3][1]["error"]["details"] == {"error_code": "thread_already_continued"}
    assert len(sim.served[-2].messages) == 3


async def test_a_paused_turn_may_be_sent_back(sim: ClaudeSim) -> None:
    sim.script([Step(say("so far").blocks, stop_reason="pause_turn"), say("the rest")])
    paused = (await post(sim, GOOD))[1]
    again = {**GOOD, "messages": [USER, {"role": "assistant", "content": paused["content"]}]}
    assert (await post(sim, again))[1]["content"][0]["text"] == "the rest"


async def test_the_page_shows_what_was_served_and_can_ask_for_failures(sim: ClaudeSim) -> None:
    app = web.Application()
    app.add_routes(control_routes(sim))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    page = f"http://127.0.0.1:{runner.addresses[0][1]}/_claude"
    async with ClientSession() as http:
        async with http.post(f"{page}/fail", json={"kind": "overloaded", "times": 2}) as answer:
            assert (answer.status, (await answer.json())["ok"]) == (200, True)
        assert [(await post(sim, GOOD))[0] for _ in range(3)] == [529, 529, 200]
        async with http.get(f"{page}/state") as answer:
            state = await answer.json()
        wrongs: list[object] = [{"kind": "gremlins"}, {"kind": "overloaded", "times": 0}, [], {"times": 1}]
        for wrong in wrongs:
            async with http.post(f"{page}/fail", json=wrong) as answer:
                assert answer.status == 400
        async with http.post(f"{page}/fail", data=b'{"kind": "overloaded"}') as answer:
            assert answer.status == 400
    await runner.cleanup()
    assert state["failures"] == []
    assert set(state["kinds"]) == set(Failure)
    assert [one["status"] for one in state["served"]] == [529, 529, 200]
    assert state["served"][2]["model"] == MODEL
    assert state["served"][2]["output_tokens"] == sim.served[2].output_tokens > 0
    assert sim.pending_failures == ()
