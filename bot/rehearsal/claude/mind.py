"""What the simulated Claude does next: the same conversation always gets the same step.

Words in the task steer a demonstration:

- `long`: a very long answer, with tables and fenced blocks;
- `table`, `code`: an answer with a table, with a fenced block;
- `ping everyone`: the answer tries to ping the channel, a person and everyone here;
- `ask to follow up`: calls the `follow_up` tool, when offered, before it answers;
- `run a command`: runs one command that writes a file, through `Bash`;
- `ask me`: asks the requester a question with two options through `ask_requester`;
- `ask to approve`: asks for an action to be approved through `request_approval`;
- `this is too hard`: asks for a better tier through `upgrade`.

A tool named `progress` is called once before anything else. Tools reached through MCP
(`mcp__<server>__progress`) count too. Words that come beside the result of a tool, as an answer does that a
paused agent goes on with, belong to the task before them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.rehearsal.claude import answers
from bot.rehearsal.claude.conversation import blocks
from bot.rehearsal.claude.models import line
from bot.rehearsal.claude.script import Call, Say, Step, Think
from bot.rehearsal.claude.shape import example
from bot.rehearsal.claude.tools import client_tools

_MAX_TOPIC = 80
_STEERED: Mapping[str, tuple[str, Mapping[str, Any] | None]] = {
    "ask to follow up": ("follow_up", None),
    "run a command": ("Bash", {"command": "echo drained > drained.txt", "description": "Note it down."}),
    "ask me": (
        "ask_requester",
        {"question": "Which of the two should I drain first?", "options": ["payments", "refunds"]},
    ),
    "ask to approve": (
        "request_approval",
        {
            "action": "kubectl rollout restart deployment/payments",
            "reason": "Two of its pods answer nothing any more.",
        },
    ),
    "this is too hard": ("upgrade", {"reason": "Three causes are possible, and I cannot tell them apart."}),
}
"""Words in a task: the tool they make it call, and with what; None takes an example of its schema."""


def next_step(body: Mapping[str, Any]) -> Step:
    """The step that answers a valid request."""
    words = _task_words(body)
    topic = _topic(words)
    offered = client_tools(body)
    choice = body.get("tool_choice") or {"type": "auto"}
    if choice["type"] in ("any", "tool") and offered:
        name = choice.get("name", next(iter(offered)))
        return Step((Call(name, example(offered[name].get("input_schema"), topic)),))
    if choice["type"] != "none" and (wanted := _wanted_call(body, words, offered)):
        tool, arguments = wanted
        return _call(offered[tool], topic, arguments)
    return _final(body, words, topic)


def _call(tool: Mapping[str, Any], topic: str, arguments: Mapping[str, Any] | None) -> Step:
    thought = Think(f"The task is about {topic}. I use {tool['name']} first.")
    given = arguments or example(tool.get("input_schema"), f"Looking into {topic}.")
    return Step((thought, Call(tool["name"], given)))


def _final(body: Mapping[str, Any], words: str, topic: str) -> Step:
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    thought = Think(f"I have what I need to answer about {topic}. Short first, then the steps.")
    if schema:
        return Step((thought, Say(json.dumps(example(schema, topic)))))
    return Step((thought, Say(answers.write(words, topic, body["model"], line(body["model"])))))


def _wanted_call(
    body: Mapping[str, Any], words: str, offered: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any] | None] | None:
    called, asked = set(_called_since_task(body)), words.lower()
    steered = [call for steering, call in _STEERED.items() if re.search(rf"\b{steering}\b", asked)]
    for purpose, arguments in [("progress", None), *steered]:
        names = [name for name in offered if name == purpose or name.endswith(f"__{purpose}")]
        if names and not called.intersection(names):
            return names[0], arguments
    return None


def _task_place(body: Mapping[str, Any]) -> int:
    for place in range(len(body["messages"]) - 1, -1, -1):
        message = body["messages"][place]
        if message["role"] == "user" and _texts(message) and not _results(message):
            return place
    return 0


def _task_words(body: Mapping[str, Any]) -> str:
    texts = _texts(body["messages"][_task_place(body)])
    return texts[-1] if texts else ""


def _called_since_task(body: Mapping[str, Any]) -> Iterator[str]:
    for message in body["messages"][_task_place(body) :]:
        yield from (block["name"] for block in blocks(message) if block["type"] == "tool_use")


def _texts(message: Mapping[str, Any]) -> list[str]:
    return [block["text"] for block in blocks(message) if block["type"] == "text"]


def _results(message: Mapping[str, Any]) -> bool:
    return any(block["type"] == "tool_result" for block in blocks(message))


def _topic(words: str) -> str:
    lines = [one.strip() for one in words.splitlines() if one.strip()]
    first = lines[0] if lines else "the request"
    return first if len(first) <= _MAX_TOPIC else first[: _MAX_TOPIC - 1].rstrip() + "…"
