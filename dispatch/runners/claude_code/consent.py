"""What a session wants that its profile does not allow: as people are shown it, and the answer. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SHAPES = {
    "Bash": ({"command"}, {"description", "timeout"}),
    "Edit": ({"file_path", "old_string", "new_string"}, {"replace_all"}),
    "Write": ({"file_path", "content"}, set[str]()),
}
"""Tools whose input is shown as text: what it must hold, and what it may."""


_UNSEEN = re.compile(
    r"[\u02cb\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that count as printable and show nothing, or the sign that people are shown for a backtick."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One call of a tool that waits to be allowed. `given` is its whole input."""

    request: str
    tool: str
    given: Mapping[str, Any]

    @property
    def reason(self) -> str:
        """Why, in the model's words; empty where it says nothing."""
        said = self.given.get("description")
        return said.strip() if isinstance(said, str) else ""


def wanted(event: Mapping[str, Any]) -> Wanted | None:
    """The call that an event asks to allow; None where it asks for none."""
    asked = event.get("request")
    if event.get("type") != "control_request" or not isinstance(asked, dict):
        return None
    request, tool, given = event.get("request_id"), asked.get("tool_name"), asked.get("input")
    if asked.get("subtype") != "can_use_tool" or not isinstance(request, str) or not isinstance(tool, str):
        return None
    return Wanted(request, tool, given if isinstance(given, dict) else {})


def exactly(asked: Wanted, place: Path) -> str:
    """All of what would be done, as text: two calls that do different things never read the same.

    Files in the place are named from there on. What could look like something else is shown as JSON.
    """
    text = _text(asked, place)
    if text is None or _UNSEEN.search(text) or not all(map(_is_seen, text)):
        return f"{asked.tool} {json.dumps(asked.given, sort_keys=True)}"
    return text


def allowed(asked: Wanted) -> Mapping[str, object]:
    """The answer that lets it be done, as it was asked for."""
    return _answer(asked, {"behavior": "allow", "updatedInput": asked.given})


def denied(asked: Wanted, words: str) -> Mapping[str, object]:
    """The answer that does not, with words for the model."""
    return _answer(asked, {"behavior": "deny", "message": words})


def _is_seen(sign: str) -> bool:
    return sign.isprintable() or sign in "\n\t"


def _answer(asked: Wanted, response: Mapping[str, object]) -> Mapping[str, object]:
    answer = {"subtype": "success", "request_id": asked.request, "response": response}
    return {"type": "control_response", "response": answer}


def _text(asked: Wanted, place: Path) -> str | None:
    given = asked.given
    needed, more = _SHAPES.get(asked.tool, (None, set[str]()))
    if needed is None or not needed <= given.keys() <= needed | more:
        return None
    strings = all(isinstance(given[name], str) for name in needed)
    if not strings or not isinstance(given.get("replace_all", False), bool):
        return None
    if asked.tool == "Bash":
        return f"$ {given['command']}"
    file = _file(given["file_path"], place)
    if file is None:
        return None
    if asked.tool == "Write":
        return f"Write {file}\n{_marked('+', given['content'])}"
    where = f"every occurrence in {file}" if given.get("replace_all") else file
    return f"Edit {where}\n{_marked('-', given['old_string'])}\n{_marked('+', given['new_string'])}"


def _file(path: str, place: Path) -> str | None:
    if not path.startswith("/") or "\n" in path or ".." in path.split("/"):
        return None
    inside = path.removeprefix(f"{place}/")
    return path if inside == path else f"./{inside}"


def _marked(mark: str, text: str) -> str:
    return "\n".join(f"{mark} {line}" for line in text.split("\n"))
