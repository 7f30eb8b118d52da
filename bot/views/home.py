"""The Home tab: the board of tasks as one person may see it. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.slacktext import neutralise
from bot.views.day import Day, money
from bot.views.looks import Filter, Look, Page, Part, written
from bot.views.message import Block, actions, button, context, day_and_time, line, section
from bot.views.offers import on_queue
from bot.views.outlook import person
from bot.views.rows import Row, row_blocks
from bot.views.waits import gate_lines
from bot.words import counted
from dispatch.gates import Gate
from dispatch.pauses import Paused
from dispatch.routing import Table
from dispatch.task import Tier

MOST: Final = 1_000
"""So many open tasks are looked at: what runs first, then by urgency."""

_LABELS: Final = {Filter.MINE: "Mine", Filter.CHANNEL: "This channel", Filter.ALL: "All"}
_HEADS: Final = {
    Part.ASKS: ":large_purple_circle: *Waiting for you*",
    Part.RUNNING: ":large_orange_circle: *Running*",
    Part.QUEUED: ":large_blue_circle: *Queued*",
    Part.HELD: ":white_circle: *Held or waiting*",
    Part.ENDED: ":black_circle: *Ended today*",
}


class Turn(StrEnum):
    """The ids of what only turns to something else to see."""

    MINE = "home:mine"
    CHANNEL = "home:channel"
    ALL = "home:all"
    PICK = "home:pick"
    PREVIOUS = "home:previous"
    NEXT = "home:next"


FILTERS: Final = {Turn.MINE: Filter.MINE, Turn.CHANNEL: Filter.CHANNEL, Turn.ALL: Filter.ALL}


@dataclass(frozen=True, slots=True)
class Home:
    """What a person's Home tab shows. `metadata` comes back with every press in it."""

    blocks: tuple[Block, ...]
    metadata: str


@dataclass(frozen=True, slots=True)
class Seated:
    """How many seats of a tier are taken, and how many there are."""

    tier: Tier
    taken: int
    seats: int


@dataclass(frozen=True, slots=True)
class Board:
    """All that one person's Home shows.

    `is_cut` says that there may be more than `MOST` open tasks. `notice` is the answer to their last press,
    safe already. `seats` and `default_priority` are shown to operators, who may also pause the queue; None
    to others.
    """

    person: str
    look: Look
    page: Page
    rows: Sequence[Row]
    day: Day
    gates: Sequence[Gate]
    table: Table
    is_cut: bool = False
    paused: Paused | None = None
    notice: str = ""
    seats: Sequence[Seated] | None = None
    default_priority: int | None = None


def home(board: Board, names: Callable[[str], str]) -> Home:
    """The board of one person; `names` gives what people are called, who are shown and never mentioned."""
    look = board.look
    blocks = [
        *([section(neutralise(board.notice))] if board.notice else []),
        *_pause(board, names),
        _chooser(look),
        *_tasks(board, names),
        *_pager(board.page),
        *([context(f"Only the first {MOST:,} open tasks are looked at here")] if board.is_cut else []),
        {"type": "divider"},
        section(money(board.day, board.person, look.channel if look.filter is Filter.CHANNEL else "")),
        *([context("\n".join(gate_lines(board.gates)))] if board.gates else []),
        *_settings(board),
    ]
    return Home(tuple(blocks), written(look))


def shut_out(why: str, look: Look) -> Home:
    """The Home of somebody who may not be told of tasks; `why` is safe already."""
    return Home((section(why),), written(look))


def _chooser(look: Look) -> Block:
    buttons = [_choice(turn, chosen is look.filter) for turn, chosen in FILTERS.items()]
    picker: dict[str, object] = {
        "type": "conversations_select",
        "action_id": Turn.PICK,
        "placeholder": {"type": "plain_text", "text": "Choose a channel"},
    }
    if look.channel:
        picker["initial_conversation"] = look.channel
    return actions("home:filter", [*buttons, picker])


def _choice(turn: Turn, is_chosen: bool) -> Block:
    pressed = button(turn, _LABELS[FILTERS[turn]], FILTERS[turn])
    return {**pressed, "style": "primary"} if is_chosen else pressed


def _tasks(board: Board, names: Callable[[str], str]) -> Iterable[Block]:
    if board.look.filter is Filter.CHANNEL and not board.look.channel:
        yield section("Choose a channel to see its tasks.")
        return
    if not board.rows:
        yield section(f"{_NOTHING[board.look.filter]} `/task p3 investigate stall` queues one.")
        return
    rows: Mapping[int, Row] = {row.task.id: row for row in board.rows}
    begun: Part | None = None
    for part, task in board.page.tasks:
        if part is not begun:
            begun = part
            yield section(f"{_HEADS[part]} · {counted(board.page.counts[part], 'task')}")
        theirs = task.requester == board.person
        yield from row_blocks(rows[task.id], board.table, names, theirs=theirs)


_NOTHING: Final = {
    Filter.MINE: "Nothing of yours waits or runs, and nothing ended today.",
    Filter.CHANNEL: "Nothing from this channel waits or runs, and nothing ended today.",
    Filter.ALL: "Nothing waits or runs, and nothing ended today.",
}


def _pager(page: Page) -> Iterable[Block]:
    if page.pages == 1:
        return
    turns = []
    if page.number > 0:
        turns.append(button(Turn.PREVIOUS, "Previous", str(page.number - 1)))
    if page.number < page.pages - 1:
        turns.append(button(Turn.NEXT, "Next", str(page.number + 1)))
    yield context(f"Page {page.number + 1} of {page.pages}")
    yield actions("home:page", turns)


def _pause(board: Board, names: Callable[[str], str]) -> Iterable[Block]:
    if board.paused is None:
        return
    by = f"by {person(board.paused.actor, names)} since {day_and_time(board.paused.since)}"
    yield section(f":double_vertical_bar: *Paused* {by}. Nothing new starts; what runs goes on.")


def _settings(board: Board) -> Iterable[Block]:
    if board.seats is None:
        return
    offer = on_queue(paused=board.paused is not None)
    yield actions("home:queue", [button(offer.action, offer.label, "queue")])
    seats = [f"{one.tier.capitalize()} {one.taken} of {one.seats}" for one in board.seats]
    usual = f"tasks without a priority are p{board.default_priority}" if board.default_priority else ""
    yield context(line([f"Seats taken: {', '.join(seats)}", usual]))
