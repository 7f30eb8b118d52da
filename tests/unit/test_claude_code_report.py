"""What the events of a session come to, one by one."""

from dataclasses import replace
from typing import Any

import pytest

from dispatch.means import Profile
from dispatch.ports import Draft
from dispatch.runners.claude_code.command import Asked
from dispatch.runners.claude_code.report import Report
from tests.unit.sessions import RECORDED, TRY_AGAIN, Recorded

MODEL = "claude-haiku-5-5"
ASKED = Asked(MODEL, Profile.READ, ("progress",))
INIT: dict[str, Any] = {
    "type": "system",
    "subtype": "init",
    "model": MODEL,
    "permissionMode": "dontAsk",
    "tools": ["Read", "Grep", "Glob", "mcp__onequeue__progress"],
    "mcp_servers": [{"name": "onequeue", "status": "connected"}],
}


def report(*events: dict[str, Any], draft: Draft | None = None) -> tuple[Report, Draft]:
    draft = draft or Draft()
    read = Report(ASKED, draft)
    for event in events:
        read.take(event)
    return read, draft


def streamed(message_id: str, text: str) -> list[dict[str, Any]]:
    start = {"type": "message_start", "message": {"id": message_id, "model": MODEL}}
    delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}
    return [{"type": "stream_event", "event": one} for one in (start, delta)]


def said(message_id: str, *blocks: dict[str, Any], **more: object) -> dict[str, Any]:
    message = {"id": message_id, "model": MODEL, "content": list(blocks)}
    return {"type": "assistant", "message": message, **more}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def use(tool: str, **given: object) -> dict[str, Any]:
    return {"type": "tool_use", "name": tool, "input": given}


def result(words: str) -> dict[str, Any]:
    blocks = [{"type": "tool_result", "tool_use_id": "1", "content": words}]
    return {"type": "user", "message": {"content": blocks}}


def test_a_start_as_asked_is_one() -> None:
    read, _ = report(INIT)
    assert (read.is_started, read.wrong) == (True, "")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model": "claude-opus-5-5"}, "model"),
        ({"permissionMode": "default"}, "permission mode"),
        ({"tools": [*INIT["tools"], "Bash"]}, "list of tools"),
        ({"tools": INIT["tools"][:-1]}, "list of tools"),
        ({"tools": None}, "list of tools"),
        ({"mcp_servers": [{"name": "onequeue", "status": "failed"}]}, "tool servers"),
        ({"mcp_servers": []}, "tool servers"),
    ],
)
def test_a_start_that_is_not_as_asked_is_named(changed: dict[str, Any], named: str) -> None:
    read, _ = report({**INIT, **changed})
    assert named in read.wrong


def test_one_that_asks_people_must_start_with_every_tool_and_asking() -> None:
    asking = Report(Asked(MODEL, Profile.READ, ("progress",), asks=True), Draft())
    asking.take({**INIT, "permissionMode": "default", "tools": [*INIT["tools"], "Edit", "Write", "Bash"]})
    assert asking.wrong == ""
    asking.take(INIT)
    assert "permission mode" in asking.wrong
    assert "list of tools" in asking.wrong


def test_a_later_start_that_is_as_asked_excuses_nothing() -> None:
    read, _ = report({**INIT, "model": "other"}, INIT)
    assert "model" in read.wrong


def test_what_is_streamed_is_not_written_twice() -> None:
    _, draft = report(*streamed("m1", "First."), said("m1", text("First.")), *streamed("m2", "Then."))
    assert draft == Draft("First.\n\nThen.", MODEL)


def test_what_was_written_before_it_was_put_aside_stays() -> None:
    _, draft = report(*streamed("m1", "Then."), said("m1", text("Then.")), draft=Draft("First."))
    assert draft.text == "First.\n\nThen."


def test_a_message_that_broke_off_is_told_anew() -> None:
    _, draft = report(
        *streamed("m1", "First."),
        said("m1", text("First.")),
        *streamed("m2", "Th"),
        said("m3", text("Then.")),
    )
    assert draft.text == "First.\n\nThen."


def test_what_the_runtime_says_is_not_the_models() -> None:
    synthetic = said("m2", text("API Error: Overloaded"), error="server_error")
    read, draft = report(*streamed("m1", "So"), synthetic)
    assert draft.text == "So"
    assert read.facts(1, "", killed_by_us=False).error_class == "server_error"


def test_people_hear_how_many_files_and_not_which() -> None:
    reads = [said("m1", use("Read", file_path=f"/srv/secret{number % 3}.py")) for number in range(5)]
    read, _ = report(*reads)
    assert read.doing == "reading 3 files"
    read.take(said("m2", use("Grep", pattern="password")))
    assert read.doing == "searching"
    read.take(said("m3", use("mcp__onequeue__progress", text="x")))
    assert read.doing == "searching"


def test_tools_of_which_none_could_start_are_broken() -> None:
    broken = result("bwrap: Can't mount proc on /newroot/proc: Operation not permitted")
    assert report(broken)[0].tools_broke
    assert not report(broken, result("hi"))[0].tools_broke
    assert not report()[0].tools_broke


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ({"total_cost_usd": 0.001065}, 1065),
        ({"total_cost_usd": 0.5, "modelUsage": {MODEL: {"costBasis": "list"}}}, 500_000),
        ({"total_cost_usd": 0.5, "modelUsage": {"llama": {"costBasis": "unknown"}}}, None),
        ({"total_cost_usd": "0.5"}, None),
        ({"total_cost_usd": 0.5, "model_usage_since_last_result": {MODEL: {"costUSD": 0.2}}}, 200_000),
        ({"total_cost_usd": 0.5, "model_usage_since_last_result": {MODEL: {}}}, None),
        ({"total_cost_usd": 0.5, "model_usage_since_last_result": {}}, 0),
        ({}, None),
    ],
)
def test_a_cost_is_kept_where_the_runtime_knows_it(event: dict[str, Any], kept: int | None) -> None:
    read, _ = report({"type": "result", "subtype": "success", **event})
    assert (read.is_over, read.said_micro_usd) == (True, kept)


@pytest.mark.parametrize("event", [{}, {"type": "assistant"}, {"type": "user", "message": 7}, {"type": []}])
def test_nonsense_is_passed_over(event: dict[str, Any]) -> None:
    read, draft = report(event)
    assert (read.is_started, read.is_over, draft) == (False, False, Draft())


RESULT_FIELDS = (
    "subtype",
    "is_error",
    "terminal_reason",
    "api_error_status",
    "api_error_type",
    "api_error_code",
    "api_error",
    "stop_reason",
    "num_turns",
    "result",
)


@pytest.mark.parametrize("recorded", RECORDED.values(), ids=RECORDED)
def test_the_events_of_every_end_on_record_come_to_its_facts(recorded: Recorded) -> None:
    facts = replace(recorded.facts, expects_structured=False, has_structured=False)
    told = [INIT, *streamed("m1", "So"), said("m2", text("So on."))]
    if facts.error_class:
        told.append(said("m3", text("what the runtime says"), error=facts.error_class))
    if facts.has_result:
        fields = {name: getattr(facts, name) for name in RESULT_FIELDS}
        told.append({"type": "result", "errors": list(facts.errors), **fields})
    read, draft = report(*told)
    advised = facts.result.removesuffix(TRY_AGAIN)
    expected = (
        facts if advised == facts.result else replace(facts, result=advised + TRY_AGAIN.split(" If ")[0])
    )
    assert read.facts(facts.exit_code, facts.stderr, killed_by_us=False) == expected
    assert draft.text == "So on."


def test_a_session_that_goes_on_from_an_answer_is_not_over_and_costs_both() -> None:
    first = {
        "type": "result",
        "subtype": "success",
        "stop_reason": "end_turn",
        "result": "one",
        "num_turns": 1,
    }
    first["model_usage_since_last_result"] = {MODEL: {"costUSD": 0.25}}
    read, _ = report(INIT, first)
    assert (read.is_over, read.is_answered) == (True, True)
    read.go_on()
    assert (read.is_over, read.is_answered) == (False, False)
    assert not read.facts(-9, "", killed_by_us=False).has_result, "an earlier answer proves nothing now"
    read.take({**first, "result": "two", "model_usage_since_last_result": {MODEL: {"costUSD": 0.5}}})
    assert read.facts(0, "", killed_by_us=False).result == "two"
    assert read.said_micro_usd == 750_000
    read.take({**first, "model_usage_since_last_result": {MODEL: {"costUSD": None}}})
    assert read.said_micro_usd is None


def test_a_total_of_all_results_is_not_added_up() -> None:
    first = {"type": "result", "subtype": "success", "total_cost_usd": 0.25}
    read, _ = report(INIT, first, {**first, "total_cost_usd": 0.5})
    assert read.said_micro_usd == 500_000


@pytest.mark.parametrize(
    "more",
    [{"is_error": True}, {"subtype": "error_max_turns"}, {"stop_reason": "refusal"}, {"stop_reason": None}],
)
def test_only_from_an_answer_does_a_session_go_on(more: dict[str, Any]) -> None:
    result = {"type": "result", "subtype": "success", "stop_reason": "end_turn"}
    assert not report(INIT, result | more)[0].is_answered
