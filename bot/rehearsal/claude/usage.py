"""Tokens counted from what really went over the wire, and the prompt cache."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

BYTES_PER_TOKEN = 4
"""How many bytes of prompt JSON, or characters of answer, make one token here."""

LIFETIMES = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
LOOK_BACK = 20
"""How many blocks before a breakpoint an earlier prefix is still looked for."""


def tokens(size: int) -> int:
    """Tokens of so many bytes or characters, rounded up."""
    return -(-size // BYTES_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Segment:
    """One block of the prompt: the bytes up to its end, their digest, and its cache mark (`5m`, `1h`)."""

    end: int
    digest: bytes
    mark: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """Prompt tokens of one request, split as the API bills them."""

    plain: int
    read: int
    written_5m: int
    written_1h: int

    def as_usage(self) -> dict[str, Any]:
        """The input half of a usage object."""
        return {
            "input_tokens": self.plain,
            "cache_creation_input_tokens": self.written_5m + self.written_1h,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_5m,
                "ephemeral_1h_input_tokens": self.written_1h,
            },
        }


def segments(body: Mapping[str, Any]) -> list[Segment]:
    """The prompt in the order the cache sees it: tools, system, messages."""
    blocks = [*_tool_blocks(body), *_system_blocks(body), *_message_blocks(body)]
    if body.get("cache_control") and blocks and not blocks[-1][1]:
        blocks[-1] = (blocks[-1][0], body["cache_control"])
    size, digest, out = 0, hashlib.sha256(str(body.get("model")).encode()), []
    for block, mark in blocks:
        raw = json.dumps(block, ensure_ascii=False, sort_keys=True).encode()
        size += len(raw)
        digest.update(raw)
        out.append(Segment(size, digest.digest(), mark.get("ttl", "5m") if mark else None))
    return out


def marks(body: Mapping[str, Any]) -> int:
    """How many cache breakpoints the request sets."""
    blocks = [*_tool_blocks(body), *_system_blocks(body), *_message_blocks(body)]
    return sum(mark is not None for _, mark in blocks) + bool(body.get("cache_control"))


class PromptCache:
    """Prefixes seen before. A prefix lives for its mark's time after the last use."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[datetime, timedelta]] = {}

    def count(self, prompt: list[Segment], now: datetime) -> Counted:
        """Counts a prompt that is being answered, and remembers its marked prefixes."""
        total = tokens(prompt[-1].end) if prompt else 0
        breakpoints = [place for place, segment in enumerate(prompt) if segment.mark]
        if not breakpoints:
            return Counted(total, 0, 0, 0)
        hit = self._longest(prompt, breakpoints, now)
        read = tokens(prompt[hit].end) if hit is not None else 0
        written = {"5m": 0, "1h": 0}
        done = read
        for place in breakpoints:
            upto = tokens(prompt[place].end)
            written[prompt[place].mark or "5m"] += max(0, upto - done)
            done = max(done, upto)
            lifetime = LIFETIMES[prompt[place].mark or "5m"]
            self._known[prompt[place].digest] = (now + lifetime, lifetime)
        return Counted(total - done, read, written["5m"], written["1h"])

    def _longest(self, prompt: list[Segment], breakpoints: list[int], now: datetime) -> int | None:
        near = {place for end in breakpoints for place in range(max(0, end - LOOK_BACK), end + 1)}
        for place in sorted(near, reverse=True):
            expiry, lifetime = self._known.get(prompt[place].digest, (now, timedelta(0)))
            if expiry > now:
                self._known[prompt[place].digest] = (now + lifetime, lifetime)
                return place
        return None


def _unmarked(block: Any) -> tuple[Any, Any]:
    if not isinstance(block, dict):
        return block, None
    return {name: value for name, value in block.items() if name != "cache_control"}, block.get(
        "cache_control"
    )


def _tool_blocks(body: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    return [_unmarked(tool) for tool in body.get("tools") or []]


def _system_blocks(body: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    system = body.get("system") or []
    whole = [{"type": "text", "text": system}] if isinstance(system, str) else system
    return [_unmarked(block) for block in whole]


def _message_blocks(body: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    out = []
    for message in body.get("messages") or []:
        content = message["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            block, mark = _unmarked(part)
            out.append(({"role": message["role"], "block": block}, mark))
    return out
