"""What a message may say: text, markdown and blocks, checked as Slack checks them."""

import json
from dataclasses import dataclass

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.blocks import TooLong, check_blocks, with_ids
from bot.rehearsal.slack.shapes import Misshapen
from bot.rehearsal.slack.state import Json
from bot.rehearsal.slack.webapi.body import flag
from bot.rehearsal.slack.webapi.method import Refusal


@dataclass(frozen=True, slots=True)
class Content:
    """`bare_names`: an unescaped @channel in the text is live too."""

    text: str
    blocks: list[Json]
    bare_names: bool


def content(args: Json, *, default_parse: str = "none") -> Content:
    """Reads text, markdown_text and blocks; raises `Refusal` for what Slack would not show."""
    text = str(args.get("text") or "")
    markdown = args.get("markdown_text")
    blocks = args.get("blocks")
    if args.get("attachments"):
        raise Refusal("invalid_attachments")
    if markdown and (text or blocks):
        raise Refusal("markdown_text_conflict")
    if markdown:
        if len(str(markdown)) > limits.MARKDOWN:
            raise Refusal("msg_too_long")
        text, blocks = str(markdown), [{"type": "markdown", "text": str(markdown)}]
    if not text.strip() and not blocks:
        raise Refusal("no_text")
    parse = str(args.get("parse") or default_parse)
    bare = flag(args.get("link_names")) or parse in ("full", "client")
    return Content(text[: limits.TEXT_KEPT], checked(blocks), bare)


def checked(blocks: object) -> list[Json]:
    """The blocks as stored; raises `Refusal` for what Slack calls invalid or too long."""
    if not blocks:
        return []
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    try:
        check_blocks(blocks)
    except Misshapen as wrong:
        said = f"[ERROR] {wrong}"
        raise Refusal("invalid_blocks", errors=[str(wrong)], response_metadata={"messages": [said]}) from None
    except TooLong:
        raise Refusal("msg_blocks_too_long") from None
    return with_ids(blocks)


def metadata(args: Json) -> Json | None:
    """Message metadata: an event type and a payload object."""
    found: Json | None = args.get("metadata") or None
    match found:
        case None:
            return None
        case {"event_type": str(), "event_payload": dict()} if len(found) == 2:
            if len(json.dumps(found)) > limits.METADATA_BYTES:
                raise Refusal("metadata_too_large")
            return found
        case _:
            raise Refusal("invalid_metadata_format")
