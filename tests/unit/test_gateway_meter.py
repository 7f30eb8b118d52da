import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.gateway.meter import Frames, Meter
from dispatch.usage import Usage

EVENTS = (
    "message_start",
    "content_block_delta",
    "message_delta",
    "message_stop",
    "content_block_start",
    "error",
    "ping",
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
counts = st.dictionaries(
    st.sampled_from(
        ["input_tokens", "output_tokens", "cache_creation", "cache_read_input_tokens", "iterations", "speed"]
    ),
    values,
)


def frame(event: Any) -> bytes:
    return b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n"


def start(model: str = "claude-haiku-5-5", **usage: Any) -> bytes:
    return frame({"type": "message_start", "message": {"model": model, "usage": usage}})


def delta(**fields: Any) -> bytes:
    return frame({"type": "content_block_delta", "index": 0, "delta": fields})


def end(**usage: Any) -> bytes:
    return frame({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})


def read(*frames: bytes) -> Meter:
    meter = Meter()
    for one in frames:
        meter.read_event(one)
    return meter


@given(
    lines=st.lists(st.binary(max_size=12).filter(lambda line: not {10, 13} & set(line)), max_size=8),
    ending=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    cuts=st.lists(st.integers(0, 150), max_size=8),
)
def test_frames_are_the_same_however_the_bytes_arrive(
    lines: list[bytes], ending: bytes, cuts: list[int]
) -> None:
    stream = b"".join(b"data: " + line + ending * 2 for line in lines) + b"data: tail"
    at = [0, *sorted(cuts), len(stream)]
    frames, found = Frames(), []
    for begin, finish in pairwise(at):
        found += frames.take(stream[begin:finish])
    assert found == [b"data: " + line + ending * 2 for line in lines]
    assert frames.rest == b"data: tail"


@given(
    st.lists(
        st.builds(
            lambda kind, body, usage: {"type": kind, "message": {"usage": usage}, **body, "usage": usage},
            st.sampled_from(EVENTS),
            st.dictionaries(st.sampled_from(["message", "delta", "usage", "error"]), values),
            counts | values,
        )
        | values,
        max_size=5,
    )
)
def test_no_event_breaks_the_meter(events: list[Any]) -> None:
    meter = read(*(frame(event) for event in events))
    usage = meter.usage
    assert min(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.web_searches) >= 0
    assert usage.cache_write_5m_tokens >= 0 <= usage.cache_write_1h_tokens


@given(st.binary(max_size=80))
def test_no_bytes_break_the_meter(noise: bytes) -> None:
    meter = Meter()
    meter.read_event(noise)
    meter.read_message(noise)
    assert not meter.complete


def test_the_end_of_a_stream_is_cumulative() -> None:
    meter = read(start(input_tokens=10, output_tokens=1), delta(text="x" * 400), end(output_tokens=25))
    assert meter.complete
    assert meter.model == "claude-haiku-5-5"
    assert meter.usage == Usage(input_tokens=10, output_tokens=25)


def test_until_the_end_output_is_estimated_from_what_was_written() -> None:
    written = [delta(text="x" * 10), delta(thinking="y" * 10), delta(partial_json="z" * 9)]
    meter = read(start(input_tokens=10, output_tokens=1), *written, delta(signature="s" * 99))
    assert not meter.complete
    assert meter.usage.output_tokens == 8


def test_an_estimate_is_never_below_what_the_api_has_counted() -> None:
    assert read(start(output_tokens=7), delta(text="x")).usage.output_tokens == 7


def test_the_cache_split_of_the_start_is_kept() -> None:
    split = {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 60}
    begun = start(input_tokens=1, cache_creation_input_tokens=100, cache_creation=split)
    meter = read(begun, end(cache_creation_input_tokens=100, cache_read_input_tokens=9, output_tokens=2))
    usage = meter.usage
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens, usage.cache_read_tokens) == (40, 60, 9)


def test_what_the_end_adds_to_the_cache_was_written_for_five_minutes() -> None:
    split = {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 60}
    begun = start(cache_creation_input_tokens=100, cache_creation=split)
    usage = read(begun, end(cache_creation_input_tokens=130, output_tokens=2)).usage
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (70, 60)


def test_a_cache_total_without_a_split_was_written_for_five_minutes() -> None:
    assert read(start(cache_creation_input_tokens=100)).usage.cache_write_5m_tokens == 100


def test_compaction_is_added_and_other_iterations_are_not() -> None:
    iterations = [
        {"type": "message", "input_tokens": 10, "output_tokens": 5},
        {
            "type": "compaction",
            "input_tokens": 1000,
            "output_tokens": 70,
            "cache_read_input_tokens": 30,
            "cache_creation_input_tokens": 20,
        },
    ]
    usage = read(start(input_tokens=10), end(output_tokens=5, iterations=iterations)).usage
    assert usage == Usage(input_tokens=1010, output_tokens=75, cache_read_tokens=30, cache_write_5m_tokens=20)


def test_what_else_has_a_price_is_kept() -> None:
    begun = start(input_tokens=1, service_tier="priority", speed="fast", inference_geo="us")
    usage = read(begun, end(output_tokens=1, server_tool_use={"web_search_requests": 3})).usage
    assert (usage.service_tier, usage.speed, usage.geo, usage.web_searches) == ("priority", "fast", "us", 3)


@pytest.mark.parametrize("unknown", [None, "not_available", ""])
def test_an_unknown_region_is_none(unknown: str | None) -> None:
    assert read(start(inference_geo=unknown, service_tier=None, speed=None)).usage == Usage()


def test_a_whole_message_is_complete() -> None:
    meter = Meter()
    message = {
        "model": "m",
        "usage": {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": None},
    }
    meter.read_message(json.dumps(message).encode())
    assert (meter.complete, meter.model) == (True, "m")
    assert meter.usage == Usage(input_tokens=3, output_tokens=4)


def test_an_error_refuses_only_before_the_start() -> None:
    error = frame({"type": "error", "error": {"type": "overloaded_error"}})
    assert read(error).refused
    assert not read(start(), error).refused


def test_a_pause_in_the_middle_is_not_the_end() -> None:
    still = frame({"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 9}})
    meter = read(start(), still)
    assert (meter.complete, meter.usage.output_tokens) == (False, 9)
