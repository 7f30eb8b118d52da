"""What the doctor needs of the world. Pure."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What Slack said: its JSON, the scopes that the token carries and Slack's own time, where it says so."""

    body: Mapping[str, Any]
    scopes: frozenset[str] = frozenset()
    date: datetime | None = None


class Line(Protocol):
    """An open socket."""

    async def heard(self) -> Mapping[str, Any]:
        """The next frame. Raises NoAnswer where the socket closes."""
        ...

    async def acknowledge(self, envelope: str) -> None:
        """Says that an envelope was taken."""
        ...


class Slack(Protocol):
    """Slack, seen with the team's tokens. Every method raises ChatError."""

    async def call(self, method: str, arguments: Mapping[str, Any] | None = None) -> Answer:
        """Calls a method of the Web API with the bot token."""
        ...

    def socket(self) -> AbstractAsyncContextManager[Line]:
        """A socket of the app, for as long as the context lasts."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model API answered: HTTP status, and kind and words of an error, empty where there is none."""

    status: int
    kind: str = ""
    words: str = ""


class Claude(Protocol):
    """The model API, asked only what is free."""

    async def model(self, model: str) -> Reply:
        """Whether the key may use the model. Raises Unreachable."""
        ...


@dataclass(frozen=True, slots=True)
class Vital:
    """What the running Onequeue says of itself.

    `connected` counts its lines to Slack that are up, `heard_at` is when it last heard Slack, `messages`
    the ts of those it was last told of. One that works without Slack is not `in_slack`.
    """

    connected: int
    heard_at: datetime | None = None
    messages: frozenset[str] = frozenset()
    in_slack: bool = True


class Running(Protocol):
    """The running Onequeue."""

    async def vital(self) -> Vital:
        """How it is now. Raises OnequeueError."""
        ...
