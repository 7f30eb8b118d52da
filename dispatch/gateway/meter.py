"""The usage of one answer, read from its bytes as they pass."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dispatch.usage import Usage

BYTES_PER_TOKEN = 4
"""How many bytes of text count as one token where the API did not say."""

_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LONGEST_END = 4
_WRITTEN = ("text", "thinking", "partial_json")


class Frames:
    """Cuts bytes, as they arrive, into whole server-sent events."""

    def __init__(self) -> None:
        self.rest = b""

    def take(self, chunk: bytes) -> list[bytes]:
        """The events that the chunk completes, byte for byte. What follows them waits in `rest`."""
        seen = max(0, len(self.rest) - _LONGEST_END + 1)
        data, start, frames = self.rest + chunk, 0, []
        for end in _FRAME_END.finditer(data, seen):
            frames.append(data[start : end.end()])
            start = end.end()
        self.rest = data[start:]
        return frames


class Meter:
    """What one answer came to so far.

    `began`: the API named the prompt's usage. `complete`: it named the final usage. `refused`: it sent
    an error before anything else. `model` is the one named in the answer.
    """

    def __init__(self) -> None:
        self.began = False
        self.complete = False
        self.refused = False
        self.model = ""
        self._counted: dict[str, Any] = {}
        self._written = 0

    @property
    def usage(self) -> Usage:
        """The usage so far. Until it is complete, output is estimated from what was written."""
        total = _usage(self._counted)
        if self.complete:
            return total
        estimated = -(-self._written // BYTES_PER_TOKEN)
        return replace(total, output_tokens=max(total.output_tokens, estimated))

    def read_message(self, body: bytes) -> None:
        """Reads an answer that came in one piece."""
        message = _parsed(body)
        if isinstance(message.get("usage"), dict):
            self._begin(message)
            self.complete = True

    def read_event(self, frame: bytes) -> None:
        """Reads the next event of a stream. What is no event of the API is passed over."""
        event = _parsed(_data(frame))
        match event.get("type"):
            case "message_start":
                self._begin(_mapping(event.get("message")))
            case "content_block_delta":
                self._count_written(_mapping(event.get("delta")))
            case "message_delta":
                self._count(event.get("usage"))
                self.complete = self.began and _mapping(event.get("delta")).get("stop_reason") is not None
            case "error":
                self.refused = not self.began

    def _begin(self, message: Mapping[str, Any]) -> None:
        self.began = True
        self.model = str(message.get("model") or "")
        self._count(message.get("usage"))

    def _count(self, usage: object) -> None:
        self._counted.update({name: value for name, value in _mapping(usage).items() if value is not None})

    def _count_written(self, delta: Mapping[str, Any]) -> None:
        parts = (delta[name] for name in _WRITTEN if isinstance(delta.get(name), str))
        self._written += sum(len(part.encode("utf-8", "replace")) for part in parts)


def _data(frame: bytes) -> bytes:
    lines = (line for line in frame.splitlines() if line.startswith(b"data:"))
    return b"\n".join(line.removeprefix(b"data:") for line in lines)


def _parsed(data: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(data))
    except ValueError:
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _usage(counted: Mapping[str, Any]) -> Usage:
    # The API leaves what compaction cost out of its own sums.
    parts = [counted, *(part for part in _entries(counted) if part.get("type") == "compaction")]
    written = [_written_to_cache(part) for part in parts]
    geo = str(counted.get("inference_geo") or "")
    return Usage(
        input_tokens=sum(_number(part, "input_tokens") for part in parts),
        output_tokens=sum(_number(part, "output_tokens") for part in parts),
        cache_read_tokens=sum(_number(part, "cache_read_input_tokens") for part in parts),
        cache_write_5m_tokens=sum(short for short, _ in written),
        cache_write_1h_tokens=sum(long for _, long in written),
        web_searches=_number(_mapping(counted.get("server_tool_use")), "web_search_requests"),
        service_tier=str(counted.get("service_tier") or "standard"),
        speed=str(counted.get("speed") or "standard"),
        geo="" if geo == "not_available" else geo,
    )


def _entries(counted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = counted.get("iterations")
    return [_mapping(entry) for entry in entries] if isinstance(entries, list) else []


def _written_to_cache(part: Mapping[str, Any]) -> tuple[int, int]:
    split = _mapping(part.get("cache_creation"))
    short, long = _number(split, "ephemeral_5m_input_tokens"), _number(split, "ephemeral_1h_input_tokens")
    # The end of a stream names only the total; what it adds went to the cache of five minutes.
    return max(_number(part, "cache_creation_input_tokens") - long, short), long


def _number(part: Mapping[str, Any], name: str) -> int:
    value = part.get(name)
    return max(0, value) if isinstance(value, int) else 0
