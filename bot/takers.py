"""Who takes what Slack sends, as the app knows them. Pure."""

from collections.abc import Mapping
from typing import Any, Protocol


class Requests(Protocol):
    """Who takes Slack's requests."""

    async def slash(self, payload: dict[str, Any]) -> str:
        """The private answer to a command. Never raises."""
        ...

    async def event(self, payload: dict[str, Any]) -> None:
        """Takes an event; whatever it raises leaves the event unacknowledged, so that it comes again."""
        ...


class Presses(Protocol):
    """Who takes presses of buttons."""

    async def press(self, payload: dict[str, Any]) -> str:
        """Takes a press; what must be told at once because it could not be stored. Never raises."""
        ...


class Homes(Protocol):
    """Who shows people their Home tabs."""

    def opened(self, payload: dict[str, Any]) -> None:
        """Notes that somebody has opened theirs, where the event says so. Returns at once."""
        ...

    async def press(self, payload: dict[str, Any]) -> None:
        """Takes a press in one. Never raises."""
        ...


class Events(Protocol):
    """Who hears events beside."""

    async def event(self, payload: dict[str, Any]) -> None:
        """Hears an event; whatever it raises leaves the event unacknowledged, so that it comes again."""
        ...


class Sent(Protocol):
    """Who takes forms."""

    async def submitted(self, payload: dict[str, Any]) -> Mapping[str, str]:
        """What is wrong with a form that was sent, by its block; nothing: it is taken. Never raises."""
        ...


class Forms(Sent, Protocol):
    """Who takes forms, and what opens them. No method raises."""

    async def slash(self, payload: dict[str, Any]) -> str:
        """The private answer to a command; empty where it has opened a form."""
        ...

    async def shortcut(self, payload: dict[str, Any]) -> None:
        """Opens a form."""
        ...
