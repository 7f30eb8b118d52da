"""Everything that can go wrong with Slack, in an order that a seed decides."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from bot.rehearsal.slack import SlackSim

Disturbance = Callable[[SlackSim], Awaitable[None]]

_METHODS: Final = (
    *("chat.postMessage", "chat.update", "conversations.history", "conversations.replies", "users.info"),
    *("files.getUploadURLExternal", "files.completeUploadExternal"),
)
_WRITING: Final = ("chat.postMessage", "chat.update", "files.completeUploadExternal")
_ROUGH: Final = ("drop", "drop_one", "warning", "refresh_requested", "link_disabled", "drop_one", "fail_open")
_PATIENCE: Final = 1.0
_MOST_CALLS: Final = 4


def fault(method: str, kind: str, times: int = 1, retry_after: int = 1) -> Disturbance:
    async def disturb(slack: SlackSim) -> None:
        slack.fault(method, kind, times=times, retry_after=retry_after)  # type: ignore[arg-type]

    return disturb


def copies(count: int) -> Disturbance:
    async def disturb(slack: SlackSim) -> None:
        slack.duplicate(count)

    return disturb


def sockets(*actions: str) -> Disturbance:
    async def disturb(slack: SlackSim) -> None:
        for action in actions:
            await slack.socket(action)  # type: ignore[arg-type]

    return disturb


def deck(chance: random.Random, rough_sockets: int) -> Sequence[Disturbance]:
    """All of them, shuffled. `rough_sockets` says how often a connection is lost."""
    cards = [fault(method, "500", chance.randint(1, 3)) for method in _METHODS for _ in range(2)]
    cards += [fault(method, "error", chance.randint(1, 2)) for method in _WRITING]
    cards += [fault(method, "reset", chance.randint(1, 2)) for method in _WRITING for _ in range(4)]
    for method in ("chat.postMessage", "chat.update"):
        cards += [fault(method, "429", chance.randint(3, 9), chance.randint(1, 4)) for _ in range(3)]
    cards += [fault("conversations.history", "429", 2, 1), fault("conversations.replies", "429", 2, 1)]
    cards += [fault("chat.postMessage", "timeout"), fault("chat.update", "timeout")]
    cards += [copies(chance.randint(3, 12)) for _ in range(5)]
    cards += [sockets(_ROUGH[number % len(_ROUGH)]) for number in range(rough_sockets)]
    cards += [sockets("spend_ticket", "drop_one")]
    chance.shuffle(cards)
    return cards


async def disturb(slack: SlackSim, cards: Sequence[Disturbance], chance: random.Random) -> None:
    """Plays the whole deck, a card each few calls of the app, or after a while without any."""
    for card in cards:
        await _some_calls(slack, chance.randint(1, _MOST_CALLS))
        await card(slack)


async def _some_calls(slack: SlackSim, count: int) -> None:
    wanted = len(slack.state.calls) + count
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await slack.state.until(lambda state: len(state.calls) >= wanted)
