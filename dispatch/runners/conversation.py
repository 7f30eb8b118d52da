"""A conversation on the Messages API that can be put aside and gone on with."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from anthropic.types.beta import BetaMessage, BetaMessageParam, BetaUserMessageParam

from dispatch.ports import Attachment, Draft, FileKind, Session
from dispatch.transcript import PEOPLE, Kind

WAITS = "The answer is not here yet."
"""In place of the result of a tool that paused the session, until the answer is there."""


class Conversation:
    """What was said so far. `paused` once a tool has said that its answer comes later.

    `turns` counts the messages of the model's in this session.
    """

    def __init__(self, session: Session) -> None:
        self.paused = False
        self.turns = 0
        self._session = session
        files = [_block(file) for file in session.attachments]
        self.messages: list[BetaMessageParam] = _resumed(session) or [
            {"role": "user", "content": session.prompt}
        ]
        self._first = self.messages[0]
        if files:
            content: Any = [*files, *_as_blocks(self._first)]
            self.messages[0] = {"role": "user", "content": content}

    @property
    def is_answered(self) -> bool:
        """Whether the model has spoken last."""
        return self.messages[-1]["role"] == "assistant"

    def add(self, message: BetaMessage, results: BetaUserMessageParam | None) -> None:
        """Adds a turn of the model, as it was sent, and what its tools returned."""
        self.turns += 1
        blocks: Any = [block.to_dict() for block in message.content]
        self.messages.append({"role": "assistant", "content": blocks})
        if results is not None:
            self.messages.append(results)

    async def hear(self) -> bool:
        """Adds what people have said meanwhile, beside what tools returned last. Whether they have."""
        said = await self._session.hear()
        if not said:
            return False
        self._session.recorder.add(PEOPLE, Kind.SAID, said)
        if self.is_answered:
            self.messages.append({"role": "user", "content": said})
        else:
            # In place, for whoever sends the results holds the same message.
            last = self.messages[-1]
            last["content"] = [*_as_blocks(last), {"type": "text", "text": said}]
        return True

    def saved(self, draft: Draft) -> bytes:
        """All of it but what is in files, to be resumed from."""
        messages = [self._first, *self.messages[1:]]
        return json.dumps({"messages": messages, "text": draft.text}).encode()


def _as_blocks(message: BetaMessageParam) -> list[Any]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _block(file: Attachment) -> Mapping[str, Any]:
    if file.kind is FileKind.TEXT:
        text = file.content.decode()
        source = {"type": "text", "media_type": "text/plain", "data": text}
        return {"type": "document", "title": file.name, "source": source}
    encoded = b64encode(file.content).decode()
    source = {"type": "base64", "media_type": file.media_type, "data": encoded}
    if file.kind is FileKind.PDF:
        return {"type": "document", "title": file.name, "source": source}
    return {"type": "image", "source": source}


def _resumed(session: Session) -> list[BetaMessageParam] | None:
    """The messages of a session that goes on, with its answer in place; None where none can be read."""
    if session.resumed is None:
        return None
    try:
        saved = json.loads(session.resumed.conversation)
        messages, text = saved["messages"], str(saved["text"])
        found = _fill(messages[-1]["content"], session.resumed.answer)
        asked = [_called(messages[-2]["content"], result) for result in found]
    except (ValueError, LookupError, TypeError):
        return None
    if not found:
        return None
    session.draft.text = text
    for tool in asked:
        session.recorder.add(tool, Kind.RESULT, session.resumed.answer)
    return list(messages)


def _fill(results: Sequence[dict[str, Any]], answer: str) -> Sequence[dict[str, Any]]:
    """Puts the answer in its place. Which results waited for it."""
    waiting = [result for result in results if _waits(result)]
    for result in waiting:
        result["content"] = answer
    return waiting


def _called(blocks: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> str:
    """The tool that the result is one of."""
    return {block.get("id"): str(block.get("name")) for block in blocks}[result["tool_use_id"]]


def _waits(result: Mapping[str, Any]) -> bool:
    return result["type"] == "tool_result" and result.get("content") == WAITS
