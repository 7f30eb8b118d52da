"""The simulated Claude answers the real SDK: streams, tools, thinking, and the words that steer it."""

import json
from collections.abc import AsyncIterator

import pytest
from anthropic import AsyncAnthropic, beta_async_tool
from anthropic.types import MessageParam, ToolParam, ToolResultBlockParam

from bot.rehearsal.claude import Call, ClaudeSim, Say, Step, Think, call, say
from tests.integration.rehearsal_claude import MODEL, ask, claude, sdk

TASK: list[MessageParam] = [{"role": "user", "content": "investigate stall"}]


@pytest.fixture
async def sim() -> AsyncIterator[ClaudeSim]:
    async with claude() as running:
        yield running


@pytest.fixture
async def client(sim: ClaudeSim) -> AsyncIterator[AsyncAnthropic]:
    async with sdk(sim) as opened:
        yield opened


async def test_it_streams_an_answer_that_says_it_is_simulated(client: AsyncAnthropic) -> None:
    text = await ask(client)
    assert text.startswith("## investigate stall")
    assert "simulated answer in the place of claude-haiku-5-5" in text


async def test_a_stream_and_a_whole_message_are_the_same(client: AsyncAnthropic) -> None:
    async with client.messages.stream(model=MODEL, max_tokens=4096, messages=TASK) as stream:
        streamed = await stream.get_final_message()
    whole = await client.messages.create(model=MODEL, max_tokens=4096, messages=TASK)
    assert streamed.content[0].to_dict()["text"] == whole.content[0].to_dict()["text"]
    assert streamed.stop_reason == whole.stop_reason == "end_turn"
    assert streamed.usage.output_tokens == whole.usage.output_tokens


async def test_a_bigger_model_says_more(client: AsyncAnthropic) -> None:
    sizes = [len(await ask(client, model=f"claude-{tier}-5-5")) for tier in ("haiku", "sonnet", "opus")]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[1] < sizes[2]


async def test_the_same_conversation_gets_the_same_answer(client: AsyncAnthropic) -> None:
    assert await ask(client) == await ask(client)
    assert await ask(client) != await ask(client, "fix the login page")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("show me a table", "|---|"),
        ("give me the code", "```sh"),
        ("ping everyone now", "<!channel> <@U123> @here"),
        ("a long one please", "## Part 14"),
    ],
)
async def test_words_steer_the_answer(client: AsyncAnthropic, words: str, found: str) -> None:
    assert found in await ask(client, words)


async def test_a_long_answer_closes_every_fence(client: AsyncAnthropic) -> None:
    text = await ask(client, "long")
    assert len(text) > 12_000
    assert text.count("```") % 2 == 0


async def test_thinking_is_sent_when_asked_for_and_only_then(client: AsyncAnthropic) -> None:
    with_thinking = await client.messages.create(
        model=MODEL, max_tokens=4096, messages=TASK, thinking={"type": "adaptive"}
    )
    omitted = await client.messages.create(
        model=MODEL, max_tokens=4096, messages=TASK, thinking={"type": "adaptive", "display": "omitted"}
    )
    without = await client.messages.create(model=MODEL, max_tokens=4096, messages=TASK)
    assert [block.type for block in with_thinking.content] == ["thinking", "text"]
    assert [block.type for block in without.content] == ["text"]
    assert omitted.content[0].to_dict()["thinking"] == ""
    assert omitted.usage.output_tokens == with_thinking.usage.output_tokens > without.usage.output_tokens
    details = with_thinking.usage.output_tokens_details
    assert details is not None
    assert details.thinking_tokens > 0


async def test_the_tool_runner_goes_round_until_the_answer(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    lines: list[str] = []

    @beta_async_tool
    async def progress(line: str) -> str:
        """Tells the requester how far the work is."""
        lines.append(line)
        return "shown"

    @beta_async_tool
    async def follow_up(words: str) -> str:
        """Makes a task that comes after this one."""
        lines.append(f"later: {words}")
        return "made #43"

    runner = client.beta.messages.tool_runner(
        model="claude-opus-5-5",
        max_tokens=8192,
        max_iterations=6,
        stream=True,
        thinking={"type": "adaptive"},
        output_config={"effort": "high"},
        cache_control={"type": "ephemeral"},
        tools=[progress, follow_up],
        messages=[{"role": "user", "content": "investigate stall and ask to follow up"}],
    )
    endings = [(await stream.get_final_message()).stop_reason async for stream in runner]
    assert endings == ["tool_use", "tool_use", "end_turn"]
    assert len(lines) == 2
    assert lines[1].startswith("later: ")
    assert [one.finished for one in sim.served] == [True, True, True]
    assert sim.served[-1].tools == ("progress", "follow_up")
    assert sim.served[0].effort == "high"
    assert sim.served[1].cache_read_tokens > 0


@pytest.mark.parametrize(
    ("words", "tool", "argument"),
    [
        ("drain them but ask me which", "ask_requester", "question"),
        ("restart it, ask to approve first", "request_approval", "action"),
        ("I fear this is too hard", "upgrade", "reason"),
    ],
)
async def test_words_make_it_ask_people_once(
    client: AsyncAnthropic, words: str, tool: str, argument: str
) -> None:
    offered: ToolParam = {"name": tool, "input_schema": {"type": "object", "properties": {}}}
    task: MessageParam = {"role": "user", "content": words}
    asked = await client.messages.create(model=MODEL, max_tokens=999, messages=[task], tools=[offered])
    (call,) = (block for block in asked.content if block.type == "tool_use")
    assert (call.name, bool(call.input[argument])) == (tool, True)
    result: ToolResultBlockParam = {"type": "tool_result", "tool_use_id": call.id, "content": "yes"}
    talk: list[MessageParam] = [
        task,
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    told = await client.messages.create(model=MODEL, max_tokens=999, messages=talk, tools=[offered])
    assert told.stop_reason == "end_turn"


async def test_words_that_only_sound_alike_ask_nobody(client: AsyncAnthropic) -> None:
    offered: ToolParam = {"name": "ask_requester", "input_schema": {"type": "object", "properties": {}}}
    task: MessageParam = {"role": "user", "content": "sum up the task meeting"}
    said = await client.messages.create(model=MODEL, max_tokens=999, messages=[task], tools=[offered])
    assert said.stop_reason == "end_turn"


async def test_a_script_answers_exactly_as_given(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.script(
        [
            Step((Think("hm"), Say("first"), Call("look", {"place": "the log"}))),
            Step((Say("half"),), stop_reason="pause_turn", model="claude-opus-5"),
            say("done"),
        ]
    )
    look: ToolParam = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
    first = await client.messages.create(model=MODEL, max_tokens=99, messages=TASK, tools=[look])
    second = await client.messages.create(model=MODEL, max_tokens=99, messages=TASK)
    assert [block.type for block in first.content] == ["text", "tool_use"]
    assert first.content[1].to_dict()["input"] == {"place": "the log"}
    assert (second.stop_reason, second.model) == ("pause_turn", "claude-opus-5")
    assert await ask(client) == "done"
    assert await ask(client) != "done"
    assert (sim.served[1].asked_model, sim.served[1].model) == (MODEL, "claude-opus-5")


async def test_a_forced_tool_is_called_with_input_that_fits_its_schema(client: AsyncAnthropic) -> None:
    message = await client.messages.create(
        model=MODEL,
        max_tokens=999,
        messages=TASK,
        tools=[
            {
                "name": "sort",
                "input_schema": {
                    "type": "object",
                    "properties": {
                        "level": {"enum": ["low", "high"]},
                        "count": {"type": "integer", "minimum": 3},
                        "names": {"type": "array", "items": {"type": "string"}, "minItems": 2},
                        "unused": {"type": "string"},
                    },
                    "required": ["level", "count", "names"],
                },
            }
        ],
        tool_choice={"type": "tool", "name": "sort"},
    )
    assert message.stop_reason == "tool_use"
    assert message.content[0].to_dict()["input"] == {
        "level": "low",
        "count": 3,
        "names": ["investigate stall", "investigate stall"],
    }


async def test_a_wanted_format_is_answered_in_it(client: AsyncAnthropic) -> None:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
    }
    message = await client.messages.create(
        model=MODEL,
        max_tokens=999,
        messages=TASK,
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    assert json.loads(str(message.content[0].to_dict()["text"])) == {"ok": True}


async def test_max_tokens_and_stop_sequences_end_an_answer(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.script([say("one two three four five"), say("one two three")])
    short = await client.messages.create(model=MODEL, max_tokens=2, messages=TASK)
    stopped = await client.messages.create(model=MODEL, max_tokens=99, messages=TASK, stop_sequences=[" two"])
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 2)
    assert short.content[0].to_dict()["text"] == "one two "
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " two")
    assert stopped.content[0].to_dict()["text"] == "one"


async def test_a_held_answer_waits_in_the_middle(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.script([say("a" * 24 + "b" * 24 + "c" * 24 + "d" * 24)])
    sim.hold()
    async with client.messages.stream(model=MODEL, max_tokens=99, messages=TASK) as stream:
        await sim.wait_for_held()
        assert sim.served == []
        sim.release()
        assert (await stream.get_final_text()).count("d") == 24
    assert sim.served[0].finished


async def test_a_caller_that_leaves_is_booked_as_cut(sim: ClaudeSim, client: AsyncAnthropic) -> None:
    sim.script([say("a" * 24 + "b" * 24 + "c" * 24 + "d" * 24)])
    sim.hold()
    async with client.messages.stream(model=MODEL, max_tokens=99, messages=TASK):
        await sim.wait_for_held()
    await sim.wait_for_served(1)
    assert not sim.served[0].finished
    assert sim.served[0].output_tokens == 48 / 4
    assert sim.served[0].stop_reason is None


async def test_the_models_on_offer_are_listed(client: AsyncAnthropic) -> None:
    listed = [model.id async for model in client.models.list()]
    assert listed[:3] == ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"]
    shown = await client.models.retrieve("claude-haiku-4-5")
    assert (shown.display_name, shown.line) == ("Claude Haiku 4.5", "haiku")


async def test_a_scripted_call_ends_the_turn_with_tool_use() -> None:
    assert call("look").ending == "tool_use"
    assert say("hi").ending == "end_turn"
