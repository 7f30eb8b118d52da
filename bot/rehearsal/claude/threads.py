"""What the API keeps of finished answers, so that a later request can go on from them.

A message thread (beta) is held under the id of its last answer; the client's tool runner uses one
unless it is told `thread=False`. A turn that ended with `pause_turn` may be sent back as it is.
"""

from collections.abc import Container, Mapping
from typing import Any

from bot.rehearsal.claude.conversation import turn_text
from bot.rehearsal.claude.problem import Problem, Refused, invalid
from bot.rehearsal.claude.reply import Reply

BETA = "message-threads-2026-08-12"
HELD_FIELDS = ("system", "tools")


class Threads:
    """Conversations held, by the id of the answer to go on from; None once gone on from."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, Any] | None] = {}
        self._paused: set[str] = set()

    @property
    def paused(self) -> Container[str]:
        """The texts of the turns that wait to be sent back."""
        return self._paused

    def resume(self, body: dict[str, Any], betas: str) -> dict[str, Any]:
        """The request with what its thread holds. Raises `Refused` when there is no such thread."""
        thread = body.get("thread")
        if thread is None:
            return body
        if BETA not in betas:
            raise invalid("thread: Extra inputs are not permitted")
        kind = thread.get("type") if isinstance(thread, dict) else None
        if kind == "create":
            return body
        if kind != "continue":
            raise invalid("thread.type: Input should be 'create' or 'continue'")
        held = self._find(str(thread.get("previous_message_id")))
        for name in HELD_FIELDS:
            if name in body:
                raise invalid(f"{name}: the thread holds it, so it may not be sent again")
        said = body.get("messages")
        return {**body, **held, "messages": [*held["messages"], *(said if isinstance(said, list) else [])]}

    def remember(self, body: Mapping[str, Any], reply: Reply) -> None:
        """Keeps a finished answer, if a later request may go on from it."""
        if reply.stop_reason == "pause_turn":
            self._paused.add(turn_text({"content": list(reply.content)}))
        thread = body.get("thread")
        if thread is None:
            return
        if thread["type"] == "continue":
            self._held[thread["previous_message_id"]] = None
        held = {name: body[name] for name in HELD_FIELDS if name in body}
        answer = {"role": "assistant", "content": list(reply.content)}
        self._held[reply.message_id] = {**held, "messages": [*body["messages"], answer]}

    def _find(self, message_id: str) -> dict[str, Any]:
        held = self._held.get(message_id)
        if held is not None:
            return held
        code = "thread_already_continued" if message_id in self._held else "thread_not_found"
        raise Refused(
            Problem(400, "invalid_request_error", f"thread: cannot go on from {message_id}", error_code=code)
        )
