"""What people are shown of a call that waits to be allowed, and what the session is answered."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.runners.claude_code.consent import Wanted, allowed, denied, exactly, wanted

PLACE = Path("/srv/places/payments-1-1/files")
BASH = {"command": "git push\necho done", "description": "push it", "timeout": 1000}
EVENT: dict[str, Any] = {
    "type": "control_request",
    "request_id": "r1",
    "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": BASH},
}
TOOLS = st.sampled_from(["Bash", "Edit", "Write", "Read"])
WORDS = st.sampled_from(
    [
        "",
        "a",
        "a\n",
        "\n",
        "a\n+ b",
        "b",
        "+ b",
        "./a",
        "/a",
        f"{PLACE}/a",
        "/every occurrence in /a",
        "a\u202e",
    ]
)
INPUTS = st.dictionaries(
    st.sampled_from(["command", "file_path", "content", "old_string", "new_string", "replace_all", "path"]),
    WORDS | st.booleans(),
    max_size=4,
) | st.builds(
    lambda path, old, new, every: {
        "file_path": path,
        "old_string": old,
        "new_string": new,
        "replace_all": every,
    },
    WORDS,
    WORDS,
    WORDS,
    st.booleans(),
)


def shown(tool: str, **given: object) -> str:
    return exactly(Wanted("r1", tool, given), PLACE)


def test_a_request_is_read_and_answered_by_its_id() -> None:
    asked = wanted(EVENT)
    assert asked == Wanted("r1", "Bash", BASH)
    assert asked.reason == "push it"
    assert allowed(asked)["response"] == {
        "subtype": "success",
        "request_id": "r1",
        "response": {"behavior": "allow", "updatedInput": BASH},
    }
    assert denied(asked, "No.")["response"] == {
        "subtype": "success",
        "request_id": "r1",
        "response": {"behavior": "deny", "message": "No."},
    }


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "assistant"},
        {**EVENT, "request": 7},
        {**EVENT, "request_id": None},
        {**EVENT, "request": {"subtype": "hook_callback", "tool_name": "Bash", "input": BASH}},
        {**EVENT, "request": {"subtype": "can_use_tool", "input": BASH}},
    ],
)
def test_what_asks_for_nothing_is_passed_over(event: dict[str, Any]) -> None:
    assert wanted(event) is None


def test_commands_and_edits_are_shown_as_they_are() -> None:
    assert shown("Bash", **BASH) == "$ git push\necho done"
    assert shown("Write", file_path=f"{PLACE}/a.txt", content="one\ntwo") == "Write ./a.txt\n+ one\n+ two"
    edit = {"file_path": "/etc/motd", "old_string": "a", "new_string": "b"}
    assert shown("Edit", **edit) == "Edit /etc/motd\n- a\n+ b"
    assert shown("Edit", **edit, replace_all=True) == "Edit every occurrence in /etc/motd\n- a\n+ b"
    assert shown("Read", file_path="/etc/motd") == 'Read {"file_path": "/etc/motd"}'


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Bash", {"command": "rm x", "dangerouslyDisableSandbox": True}),
        ("Bash", {"command": 7}),
        ("Bash", {"command": "echo \u202eevil"}),
        ("Bash", {"command": "echo\rrm"}),
        ("Bash", {"command": "rm -r a\ufe00"}),
        ("Bash", {"command": "rm -r a\u3164"}),
        ("Bash", {"command": "rm -r a\U000e0131"}),
        ("Bash", {"command": "echo \u02cbid\u02cb"}),
        ("Write", {"file_path": f"{PLACE}/../../x", "content": ""}),
        ("Write", {"file_path": "every occurrence in /x", "content": ""}),
    ],
)
def test_what_could_be_taken_for_something_else_is_shown_as_json(tool: str, given: dict[str, Any]) -> None:
    text = shown(tool, **given)
    assert json.loads(text.removeprefix(f"{tool} ")) == given
    assert text.isascii()


@given(TOOLS, INPUTS, TOOLS, INPUTS)
def test_what_reads_the_same_does_the_same(
    tool: str, one: dict[str, Any], other_tool: str, other: dict[str, Any]
) -> None:
    if shown(tool, **one) == shown(other_tool, **other):
        assert tool == other_tool
        without = ("description", "timeout")
        assert {"replace_all": False, **{k: v for k, v in one.items() if k not in without}} == {
            "replace_all": False,
            **{k: v for k, v in other.items() if k not in without},
        }
