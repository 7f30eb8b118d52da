"""What is taken down of an agent's events, one by one."""

from typing import Any

import pytest

from dispatch.means import Profile
from dispatch.ports import Draft
from dispatch.runners.claude_code.command import Asked
from dispatch.runners.claude_code.recording import Recording
from dispatch.runners.claude_code.report import Report
from dispatch.transcript import MODEL, RUNTIME, Kind
from tests.fakes.transcripts import FakeRecorder
from tests.unit.test_claude_code_report import INIT, said, streamed, text, use

Told = tuple[str, Kind, str]


def taken(*events: dict[str, Any]) -> list[Told]:
    recorder = FakeRecorder()
    recording = Recording(recorder)
    for event in events:
        recording.take(event)
    recording.close()
    return recorder.told


def calls(call_id: str, tool: str, **given: object) -> dict[str, Any]:
    return {**use(tool, **given), "id": call_id}


def answers(call_id: str, content: object, **more: object) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}
    return {"type": "user", "message": {"content": [block]}}


def test_words_calls_and_results_come_in_order() -> None:
    assert taken(
        INIT,
        *streamed("m1", "I "),
        said("m1", text("I look.")),
        said("m1", calls("t1", "Read", file_path="/srv/a.py")),
        said("m1", calls("t2", "Bash", command="exit 3")),
        answers("t1", [{"type": "text", "text": "limit = 1"}, {"type": "text", "text": "end"}]),
        answers("t2", "exit code 3", is_error=True),
        *streamed("m2", "Done."),
        said("m2", text("Done.")),
    ) == [
        (MODEL, Kind.SAID, "I look."),
        ("Read", Kind.CALL, "file_path: /srv/a.py"),
        ("Bash", Kind.CALL, "command: exit 3"),
        ("Read", Kind.RESULT, "limit = 1\nend"),
        ("Bash", Kind.ERROR, "exit code 3"),
        (MODEL, Kind.SAID, "Done."),
    ]


def test_what_is_streamed_is_taken_down_once_it_is_whole() -> None:
    recorder = FakeRecorder()
    recording = Recording(recorder)
    for event in streamed("m1", "the token is xoxb-12"):
        recording.take(event)
    assert recorder.told == []
    recording.take(said("m1", text("the token is xoxb-12345")))
    recording.close()
    assert recorder.told == [(MODEL, Kind.SAID, "the token is xoxb-12345")]


def test_of_what_broke_off_whole_words_are_kept() -> None:
    assert taken(*streamed("m1", "the token is xoxb-12")) == [(MODEL, Kind.SAID, "the token is …")]
    broken_then_whole = [*streamed("m1", "one tw"), *streamed("m2", "two"), said("m2", text("two three"))]
    assert taken(*broken_then_whole) == [(MODEL, Kind.SAID, "one …"), (MODEL, Kind.SAID, "two three")]


def test_what_the_runtime_says_is_a_note() -> None:
    error = said("m2", text("API Error: Overloaded"), error="server_error")
    assert taken(*streamed("m1", "So far"), error) == [
        (MODEL, Kind.SAID, "So …"),
        (RUNTIME, Kind.NOTE, "API Error: Overloaded"),
    ]
    synthetic = {"type": "assistant", "message": {"model": "<synthetic>", "content": [text("Interrupted")]}}
    assert taken(synthetic) == [(RUNTIME, Kind.NOTE, "Interrupted")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "null"),
        ("", ""),
        ([], ""),
        ([{"type": "image", "source": {"data": "AAAA"}}, {"type": "text", "text": "x"}], "(image)\nx"),
        ([7, "x"], ""),
    ],
)
def test_a_result_without_a_call_or_a_text_is_taken_down_too(content: object, words: str) -> None:
    assert taken(answers("t9", content)) == [("tool", Kind.RESULT, words)]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "assistant"},
        {"type": "assistant", "message": {"content": [7, {"type": "text", "text": 7}, {"type": "tool_use"}]}},
        {"type": "user", "message": 7},
        {"type": "user", "message": {"content": "words"}},
        {"type": "user", "message": {"content": [7]}},
        {"type": []},
        {"type": "stream_event", "event": 7},
    ],
)
def test_nonsense_is_passed_over(event: dict[str, Any]) -> None:
    assert taken(event) == []


def test_a_report_takes_down_what_it_reads() -> None:
    recorder = FakeRecorder()
    report = Report(Asked("m", Profile.READ, ()), Draft(), recorder)
    for event in (said("m1", text("Whole.")), *streamed("m2", "Half a wo")):
        report.take(event)
    report.close()
    assert recorder.told == [(MODEL, Kind.SAID, "Whole."), (MODEL, Kind.SAID, "Half a …")]


def test_an_id_of_any_kind_is_none_to_stumble_over() -> None:
    odd: Any = ["c1"]
    assert taken(
        {"type": "assistant", "message": {"content": [calls(odd, "Read", file_path="a")]}}, answers(odd, "x")
    ) == [("Read", Kind.CALL, "file_path: a"), ("Read", Kind.RESULT, "x")]
