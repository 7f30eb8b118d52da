"""What the simulated model says in one request: blocks, and how the turn ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Think:
    """A thinking block. It is sent only when the request asks for thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """A text block."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. The input is sent as given, whatever the tool's schema says."""

    tool: str
    input: Mapping[str, Any] = field(default_factory=dict)


Block = Think | Say | Call


@dataclass(frozen=True, slots=True)
class Step:
    """One answer.

    `stop_reason` None means `tool_use` after a call and `end_turn` otherwise. `usage` replaces
    fields of the counted usage by name, as the API spells them (`cache_read_input_tokens`,
    `server_tool_use`, `service_tier`...). `model` replaces the model named in the response.
    """

    blocks: tuple[Block, ...]
    stop_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None

    @property
    def ending(self) -> str:
        """The stop reason as sent."""
        if self.stop_reason is not None:
            return self.stop_reason
        return "tool_use" if any(isinstance(block, Call) for block in self.blocks) else "end_turn"


def say(text: str) -> Step:
    """A turn of one text block."""
    return Step((Say(text),))


def call(tool: str, **arguments: Any) -> Step:
    """A turn of one tool call."""
    return Step((Call(tool, arguments),))
