"""A step made into the message the API would return: ids, cut-offs and usage."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.rehearsal.claude.conversation import sign
from bot.rehearsal.claude.failures import Failure
from bot.rehearsal.claude.script import Block, Call, Say, Step, Think
from bot.rehearsal.claude.usage import BYTES_PER_TOKEN, Counted, tokens

_REFUSED = {
    "type": "refusal",
    "category": "general_harms",
    "explanation": "Simulated: the answer was stopped by a safety classifier.",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `sizes` gives the characters each block of `content` was billed for."""

    message_id: str
    model: str
    content: tuple[dict[str, Any], ...]
    sizes: tuple[int, ...]
    stop_reason: str
    stop_sequence: str | None
    usage: dict[str, Any]

    @property
    def stop_details(self) -> dict[str, Any] | None:
        """Why a refusal refused."""
        return _REFUSED if self.stop_reason == "refusal" else None

    def as_message(self) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": list(self.content),
            "stop_reason": self.stop_reason,
            "stop_sequence": self.stop_sequence,
            "stop_details": self.stop_details,
            "usage": self.usage,
        }


def compose(
    step: Step, body: Mapping[str, Any], counted: Counted, message_id: str, spoiled: Failure | None
) -> Reply:
    """The answer to a valid request. `spoiled` REFUSAL or MAX_TOKENS stops it half way."""
    blocks, ending, sequence = _wanted(step.blocks, body), step.ending, None
    if spoiled in (Failure.REFUSAL, Failure.MAX_TOKENS):
        blocks, ending = _cut(blocks, max(1, sum(map(_size, blocks)) // 2)), spoiled.value
    blocks, stopped_by = _stop(blocks, body.get("stop_sequences") or [])
    if stopped_by is not None:
        ending, sequence = "stop_sequence", stopped_by
    room = body["max_tokens"] * BYTES_PER_TOKEN
    if sum(map(_size, blocks)) > room:
        blocks, ending, sequence = _cut(blocks, room), "max_tokens", None
    sizes = tuple(_size(block) for block in blocks)
    thought = sum(_size(block) for block in blocks if isinstance(block, Think))
    usage = _usage(body, counted, sum(sizes), thought)
    display = (body.get("thinking") or {}).get("display")
    content = tuple(_content(block, f"{message_id}_{place}", display) for place, block in enumerate(blocks))
    return Reply(
        message_id,
        step.model or body["model"],
        content,
        sizes,
        ending,
        sequence,
        _override(usage, step.usage),
    )


def _wanted(blocks: tuple[Block, ...], body: Mapping[str, Any]) -> tuple[Block, ...]:
    thinks = (body.get("thinking") or {}).get("type") in ("adaptive", "enabled")
    return tuple(block for block in blocks if thinks or not isinstance(block, Think))


def _size(block: Block) -> int:
    return len(json.dumps(dict(block.input))) if isinstance(block, Call) else len(block.text)


def _cut(blocks: tuple[Block, ...], room: int) -> tuple[Block, ...]:
    kept: list[Block] = []
    for block in blocks:
        if _size(block) <= room:
            kept.append(block)
        elif not isinstance(block, Call) and room > 0:
            kept.append(replace(block, text=block.text[:room]))
        room -= min(room, _size(block))
    return tuple(kept)


def _stop(blocks: tuple[Block, ...], sequences: list[str]) -> tuple[tuple[Block, ...], str | None]:
    for place, block in enumerate(blocks):
        found = [one for one in sequences if isinstance(block, Say) and one in block.text]
        if found and isinstance(block, Say):
            first = min(found, key=block.text.index)
            return (*blocks[:place], Say(block.text[: block.text.index(first)])), first
    return blocks, None


def _content(block: Block, block_id: str, display: str | None) -> dict[str, Any]:
    match block:
        case Think(text=text):
            shown = "" if display == "omitted" else text
            return {"type": "thinking", "thinking": shown, "signature": sign(shown)}
        case Say(text=text):
            return {"type": "text", "text": text}
        case Call(tool=tool, input=given):
            return {"type": "tool_use", "id": f"toolu_{block_id}", "name": tool, "input": dict(given)}


def _usage(body: Mapping[str, Any], counted: Counted, written: int, thought: int) -> dict[str, Any]:
    return {
        **counted.as_usage(),
        "output_tokens": tokens(written),
        "output_tokens_details": {"thinking_tokens": tokens(thought)},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "speed": body.get("speed") or "standard",
        "inference_geo": body.get("inference_geo") or "not_available",
    }


def _override(usage: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**usage, **given}
    if "cache_creation" in given:
        merged["cache_creation_input_tokens"] = sum(given["cache_creation"].values())
    elif "cache_creation_input_tokens" in given:
        written = given["cache_creation_input_tokens"]
        merged["cache_creation"] = {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0}
    return merged
