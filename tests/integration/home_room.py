"""What the tests of the Home tab share: opening it, and reading what it shows."""

from datetime import timedelta
from typing import Any

from bot.board import GAP
from bot.rehearsal.slack import SlackSim
from tests.integration.control_room import Bench

View = dict[str, Any]


def says(view: View | None) -> str:
    """All the words of a Home, without those on its buttons; empty where nothing is shown."""
    return "\n".join(_words(block) for block in view["blocks"]) if view else ""


def _words(block: View) -> str:
    if block["type"] == "section":
        return str(block["text"]["text"])
    return "\n".join(one["text"] for one in block["elements"]) if block["type"] == "context" else ""


def labels(view: View, block_id: str) -> list[str]:
    """The words on the buttons of one of its rows."""
    rows = [block["elements"] for block in view["blocks"] if block.get("block_id") == block_id]
    return [one["text"]["text"] for row in rows for one in row if one["type"] == "button"]


def shown(slack: SlackSim, who: str = "ana") -> View | None:
    return slack.forms.home(who)


async def opened(bench: Bench, who: str = "ana") -> View:
    """Opens the Home of somebody and shows what is due; what it shows then."""
    await bench.slack.open_home(who)
    await bench.slack.wait_for(lambda state: all(one.state != "sent" for one in state.envelopes))
    return await refreshed(bench, who)


async def pressed(bench: Bench, action: str, value: Any = None, who: str = "ana") -> View:
    """Uses something in a Home; what it shows as soon as it may be shown anew."""
    assert await bench.slack.forms.press_home(who, action, value) == ""
    return await later(bench, who)


async def later(bench: Bench, who: str = "ana", by: timedelta = GAP) -> View:
    """What a Home shows after some time."""
    bench.clock.advance(by)
    return await refreshed(bench, who)


async def refreshed(bench: Bench, who: str = "ana") -> View:
    """What a Home shows once all that may be has been shown anew."""
    await bench.board.refresh()
    found = shown(bench.slack, who)
    assert found is not None
    return found


def publishes(slack: SlackSim) -> int:
    """How often Homes were shown or tried to be."""
    return sum(call.method == "views.publish" for call in slack.state.calls)


async def ask(bench: Bench, words: str, who: str = "ana", channel: str = "ops") -> None:
    await bench.slack.slash(who, channel, words)


async def full(bench: Bench) -> None:
    """Two tasks of sam's for Opus run, which leaves the seat that is kept for p1 and p2."""
    for number in (1, 2):
        await ask(bench, f"p3 sweep {number}", "sam")
        await bench.seats.wait_started(number)
