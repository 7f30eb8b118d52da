"""What the API refuses in a conversation: roles, blocks, and tool calls without their results."""

import hashlib
from base64 import b64decode
from collections.abc import Container, Mapping
from typing import Any

from bot.rehearsal.claude.models import takes_budgeted_thinking
from bot.rehearsal.claude.problem import invalid

_BLOCKS = {
    "user": {"text", "image", "document", "search_result", "tool_result", "container_upload"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use", "server_tool_use"},
    "system": {"text"},
}

_BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
    "application/pdf": b"%PDF-",
}
_MEDIA = {
    "image": {name for name in _BEGINNINGS if name.startswith("image/")},
    "document": {"application/pdf"},
}
_IMAGE_CHARACTERS = 5 * 1024 * 1024


def sign(thinking: str) -> str:
    """The signature of a thinking block: only what was signed here may come back."""
    return "sim-" + hashlib.sha256(f"thinking:{thinking}".encode()).hexdigest()


def blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A message's content as blocks, also when it was sent as a string."""
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def turn_text(message: Mapping[str, Any]) -> str:
    """All the text of a turn, by which a paused one is known again."""
    return "".join(block["text"] for block in blocks(message) if block["type"] == "text")


def text_of(system: Any) -> str:
    """The system prompt as one text, whichever way it was sent."""
    if not system:
        return ""
    return system if isinstance(system, str) else "\n".join(block["text"] for block in system)


def check_system(system: Any) -> None:
    """Refuses a system prompt that is neither a string nor a list of text blocks."""
    if system is None or isinstance(system, str):
        return
    if not isinstance(system, list):
        raise invalid("system: Input should be a valid string or list")
    for place, block in enumerate(system):
        if (
            not isinstance(block, dict)
            or block.get("type") != "text"
            or not isinstance(block.get("text"), str)
        ):
            raise invalid(f"system.{place}: Input should be a text block")


def check_messages(messages: Any, model: str, paused: Container[str]) -> None:
    """Refuses a conversation the API would not answer. It may end with one of the `paused` turns."""
    if messages is None:
        raise invalid("messages: Field required")
    if not isinstance(messages, list):
        raise invalid("messages: Input should be a valid list")
    if not messages:
        raise invalid("messages: at least one message is required")
    for place, message in enumerate(messages):
        _check_message(place, message)
    spoken = [message for message in messages if message["role"] != "system"]
    if not spoken or spoken[0]["role"] != "user":
        raise invalid('messages: first message must use the "user" role')
    _check_ending(messages[-1], model, paused)
    _check_calls(messages)


def _check_ending(last: Mapping[str, Any], model: str, paused: Container[str]) -> None:
    if last["role"] != "assistant" or takes_budgeted_thinking(model):
        return
    if turn_text(last) not in paused:
        raise invalid(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )


def _check_message(place: int, message: Any) -> None:
    at = f"messages.{place}"
    if not isinstance(message, dict):
        raise invalid(f"{at}: Input should be an object")
    for name in message:
        if name not in ("role", "content", "output_config"):
            raise invalid(f"{at}.{name}: Extra inputs are not permitted")
    role, content = message.get("role"), message.get("content")
    if role not in _BLOCKS:
        raise invalid(f"{at}.role: Input should be 'user', 'assistant' or 'system'")
    if content is None:
        raise invalid(f"{at}.content: Field required")
    if not isinstance(content, str | list):
        raise invalid(f"{at}.content: Input should be a valid string or list")
    if not content:
        raise invalid(f"{at}: all messages must have non-empty content")
    for number, block in enumerate(content if isinstance(content, list) else []):
        _check_block(f"{at}.content.{number}", role, block)


def _check_block(at: str, role: str, block: Any) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str):
        raise invalid(f"{at}.type: Field required")
    if kind not in _BLOCKS[role] and not kind.endswith("_tool_result"):
        raise invalid(f"{at}: Input tag '{kind}' is not allowed in a message with the role {role}")
    if kind == "text":
        _check_text(at, block)
    if kind == "thinking":
        _check_signature(at, block)
    if kind in _MEDIA:
        _check_source(f"{at}.{kind}.source", block.get("source"), _MEDIA[kind])
    needed = {"tool_use": ("id", "name", "input"), "tool_result": ("tool_use_id",)}.get(kind, ())
    for name in needed:
        if name not in block:
            raise invalid(f"{at}.{kind}.{name}: Field required")


def _check_text(at: str, block: Mapping[str, Any]) -> None:
    if not isinstance(block.get("text"), str):
        raise invalid(f"{at}.text.text: Field required")
    if not block["text"].strip():
        raise invalid("messages: text content blocks must be non-empty")


def _check_source(at: str, source: Any, allowed: Container[str]) -> None:
    """Refuses what is neither the base64 of a file of its kind nor, in a document, its text.

    Sources that lie elsewhere are passed.
    """
    if isinstance(source, dict) and source.get("type") in ("content", "file", "url"):
        return
    if not isinstance(source, dict) or not isinstance(source.get("data"), str) or not source["data"]:
        raise invalid(f"{at}: Field required")
    kind, media_type = source.get("type"), str(source.get("media_type"))
    if kind == "text" and media_type == "text/plain" and "application/pdf" in allowed:
        return
    if kind != "base64" or media_type not in allowed:
        raise invalid(f"{at}.media_type: Input should be one of those that are supported")
    try:
        content = b64decode(source["data"], validate=True)
    except ValueError:
        raise invalid(f"{at}.data: Input should be valid base64") from None
    if not content.startswith(_BEGINNINGS[media_type]):
        raise invalid(f"{at}: The file does not match the provided media type {media_type}")
    if media_type != "application/pdf" and len(source["data"]) > _IMAGE_CHARACTERS:
        raise invalid(f"{at}.data: image exceeds 5 MB maximum: {len(source['data'])} bytes > 5242880 bytes")


def _check_signature(at: str, block: Mapping[str, Any]) -> None:
    if block.get("signature") != sign(str(block.get("thinking", ""))):
        raise invalid(f"{at}: Invalid `signature` in `thinking` block")


def _check_calls(messages: list[dict[str, Any]]) -> None:
    open_calls: set[str] = set()
    for place, message in enumerate(messages):
        if message["role"] == "system":
            continue
        parts = blocks(message)
        results = {part["tool_use_id"] for part in parts if part["type"] == "tool_result"}
        if missing := open_calls - results:
            raise invalid(
                f"messages.{place}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(sorted(missing))}"
            )
        if stray := results - open_calls:
            raise invalid(
                f"messages.{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{', '.join(sorted(stray))}"
            )
        open_calls = {part["id"] for part in parts if part["type"] == "tool_use"}
