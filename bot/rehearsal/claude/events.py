"""An answer as the server-sent events of a stream."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.rehearsal.claude.reply import Reply
from bot.rehearsal.claude.usage import tokens

CHUNK = 24
"""Characters in one delta."""

_ONLY_AT_THE_END = ("output_tokens_details", "server_tool_use", "iterations")
_AT_THE_END = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `size` is how many billed characters it carries."""

    data: dict[str, Any]
    size: int = 0

    @property
    def name(self) -> str:
        """The event's name, `message_start` and so on."""
        return str(self.data["type"])

    def frame(self) -> bytes:
        """The bytes on the wire."""
        return f"event: {self.name}\ndata: {json.dumps(self.data)}\n\n".encode()


def stream(reply: Reply) -> list[Event]:
    """Every event of an answer, in order."""
    return [
        Event({"type": "message_start", "message": _opening(reply)}),
        Event({"type": "ping"}),
        *(event for place in range(len(reply.content)) for event in _block(reply, place)),
        Event({"type": "message_delta", "delta": _ending(reply), "usage": _final_usage(reply.usage)}),
        Event({"type": "message_stop"}),
    ]


def middle(events: list[Event]) -> int:
    """The place of the event before which a stream is held, cut or stalled: half its deltas are out."""
    deltas = [place for place, event in enumerate(events) if event.name == "content_block_delta"]
    if not deltas:
        return len(events) - 2
    return deltas[(len(deltas) - 1) // 2] + 1


def usage_after(reply: Reply, sent: list[Event]) -> dict[str, Any]:
    """What the API would bill when the stream broke after the events `sent`."""
    if not sent:
        return {}
    if sent[-1].name in ("message_delta", "message_stop"):
        return reply.usage
    written = max(_first_tokens(reply.usage), tokens(sum(event.size for event in sent)))
    return {**_opening_usage(reply.usage), "output_tokens": min(written, reply.usage["output_tokens"])}


def _first_tokens(usage: dict[str, Any]) -> int:
    return min(1, int(usage["output_tokens"]))


def _opening_usage(usage: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in usage.items() if name not in _ONLY_AT_THE_END}
    return {**kept, "output_tokens": _first_tokens(usage)}


def _final_usage(usage: dict[str, Any]) -> dict[str, Any]:
    return {name: usage[name] for name in (*_AT_THE_END, *_ONLY_AT_THE_END) if name in usage}


def _opening(reply: Reply) -> dict[str, Any]:
    empty: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    return {**reply.as_message(), **empty, "usage": _opening_usage(reply.usage)}


def _ending(reply: Reply) -> dict[str, Any]:
    return {
        "stop_reason": reply.stop_reason,
        "stop_sequence": reply.stop_sequence,
        "stop_details": reply.stop_details,
    }


def _block(reply: Reply, place: int) -> Iterator[Event]:
    block = reply.content[place]
    yield Event({"type": "content_block_start", "index": place, "content_block": _empty(block)})
    for delta, size in _deltas(block, reply.sizes[place]):
        yield Event({"type": "content_block_delta", "index": place, "delta": delta}, size)
    yield Event({"type": "content_block_stop", "index": place})


def _empty(block: dict[str, Any]) -> dict[str, Any]:
    match block["type"]:
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "text":
            return {"type": "text", "text": ""}
        case _:
            return {**block, "input": {}}


def _deltas(block: dict[str, Any], size: int) -> Iterator[tuple[dict[str, Any], int]]:
    match block["type"]:
        case "thinking":
            for part in _chunks(block["thinking"]):
                yield {"type": "thinking_delta", "thinking": part}, len(part)
            yield {"type": "signature_delta", "signature": block["signature"]}, size - len(block["thinking"])
        case "text":
            for part in _chunks(block["text"]):
                yield {"type": "text_delta", "text": part}, len(part)
        case _:
            for part in _chunks(json.dumps(block["input"])):
                yield {"type": "input_json_delta", "partial_json": part}, len(part)


def _chunks(text: str) -> Iterator[str]:
    return (text[at : at + CHUNK] for at in range(0, len(text), CHUNK))
