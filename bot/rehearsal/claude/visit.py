"""One request while it is being answered: the facts that end up in the books."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.rehearsal.claude.conversation import text_of
from bot.rehearsal.claude.events import Event, usage_after
from bot.rehearsal.claude.failures import Armed, Failure
from bot.rehearsal.claude.reply import Reply
from bot.rehearsal.claude.served import Served


@dataclass(slots=True)
class Visit:
    """What is known so far of request number `n`. `body` is empty until it is found valid; `sent` holds the
    events that left."""

    n: int
    at: datetime
    key: str
    asked_model: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    failure: Armed | None = None
    reply: Reply | None = None
    status: int = 0
    sent: list[Event] = field(default_factory=list)
    kept: bool = False

    @property
    def request_id(self) -> str:
        """The id in the `request-id` header."""
        return f"req_sim_{self.n:06d}"

    @property
    def message_id(self) -> str:
        """The id of the message that answers it."""
        return f"msg_sim_{self.n:06d}"

    @property
    def kind(self) -> Failure | None:
        """The failure asked for, if any."""
        return self.failure.kind if self.failure else None

    def close(self, *, finished: bool) -> Served:
        """The line for the books. Finished: the whole answer is out, or its last event about to be."""
        reply, body = self.reply, self.body
        usage: dict[str, Any] = {}
        if reply is not None:
            usage = reply.usage if finished else usage_after(reply, self.sent)
        return Served(
            n=self.n,
            at=self.at,
            request_id=self.request_id,
            message_id=self.message_id if usage else "",
            asked_model=self.asked_model,
            model=reply.model if reply and usage else "",
            stream=bool(body.get("stream", False)),
            status=self.status,
            finished=finished,
            failure=self.kind.value if self.kind else None,
            stop_reason=reply.stop_reason if reply and finished else None,
            key=self.key,
            system=text_of(body.get("system")),
            messages=tuple(body.get("messages") or ()),
            tools=tuple(str(tool.get("name", tool.get("type"))) for tool in body.get("tools") or ()),
            max_tokens=int(body.get("max_tokens", 0)),
            effort=(body.get("output_config") or {}).get("effort"),
            thinking=(body.get("thinking") or {}).get("type"),
            usage=usage,
        )
