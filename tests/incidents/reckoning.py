"""What came of one ask: Slack, the ledger and the simulated API's own books, held against each other."""

import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from bot.rehearsal.claude import Served
from bot.rehearsal.slack import Message
from tests.incidents.asks import Ask, Asked
from tests.incidents.world import World

_TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
)
_PROMPT = tuple(name for name in _TOKENS if name != "output_tokens")


@dataclass(frozen=True, slots=True)
class Mark:
    """How much there was of everything before an ask."""

    task: int
    served: int
    messages: int


@dataclass
class Reckoning:
    """What is wrong, in words, by what it is; and how the requests of the API were booked."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    ledger: list[str] = field(default_factory=list)
    booked: Counter[str] = field(default_factory=Counter)

    @property
    def faults(self) -> list[str]:
        """All that is wrong."""
        return [*self.lost, *self.doubled, *self.missing, *self.ledger]


def mark(world: World) -> Mark:
    """Where things stand."""
    (newest,) = _rows(world, "SELECT coalesce(max(id), 0) AS id FROM task", ())
    return Mark(int(newest["id"]), len(world.claude.served), len(_bots_messages(world)))


def reckon(world: World, since: Mark, ask: Ask, asked: Asked, pieces: Sequence[int], kills: int) -> Reckoning:
    """Everything since the mark. `pieces` is how many each answer has where nothing is killed."""
    found = Reckoning()
    tasks = _rows(world, "SELECT * FROM task WHERE id > ? ORDER BY id", (since.task,))
    if asked.acknowledged and not tasks:
        found.lost.append("acknowledged, and there is no task")
    if len(tasks) not in (0, ask.tasks):
        which = found.lost if len(tasks) < ask.tasks else found.doubled
        which.append(f"{len(tasks)} tasks, not {ask.tasks}")
    told = _Told(_bots_messages(world)[since.messages :])
    root = None
    for number, task in enumerate(tasks):
        attempts = _rows(world, "SELECT * FROM attempt WHERE task_id = ?", (task["id"],))
        _check_end(found, ask, asked, task, attempts)
        _check_card(found, told, task)
        root = root or asked.thread or told.card(task["id"])
        _check_replies(found, told, task, attempts, root, pieces[number] if number < len(pieces) else None)
        if ask.moved and told.count(f"moved:{task['id']}:CRAN00001") != 1:
            found.missing.append(f"#{task['id']}: not one notice of the move")
    if told.unknown:
        found.doubled.append(f"posted besides: {told.unknown}")
    rows = _rows(world, "SELECT * FROM ledger WHERE task_id > ? ORDER BY id", (since.task,))
    _check_ledger(found, rows, world.claude.served[since.served :], kills * ask.tasks)
    _check_sums(found, tasks, rows)
    return found


class _Told:
    """The bot's messages by the key they carry."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._by_key: dict[str, list[Message]] = {}
        for message in messages:
            self._by_key.setdefault(_key(message), []).append(message)
        self.unknown = [message.text for message in self._by_key.get("", [])]

    def count(self, key: str) -> int:
        return len(self._by_key.get(key, []))

    def of(self, start: str) -> list[tuple[str, Message]]:
        return [
            (key, message)
            for key, found in self._by_key.items()
            if key.startswith(start)
            for message in found
        ]

    def card(self, number: int) -> str | None:
        return next((message.ts for _, message in self.of(f"card:{number}") if message.text), None)


def _check_end(
    found: Reckoning, ask: Ask, asked: Asked, task: sqlite3.Row, attempts: Sequence[sqlite3.Row]
) -> None:
    name, state = f"#{task['id']}", task["state"]
    ends = {"cancelled"} if asked.cancelled else {"done", "cancelled"} if ask.may_be_cancelled else {"done"}
    if state not in ends:
        found.lost.append(f"{name} is {state}")
    answered = sum(attempt["verdict"] == "answered" for attempt in attempts)
    if answered > 1:
        found.doubled.append(f"{name} was answered {answered} times")
    if answered != (state == "done"):
        found.lost.append(f"{name} is {state} with {answered} answers")
    if any(attempt["verdict"] is None for attempt in attempts):
        found.lost.append(f"{name} has an attempt without an end")


def _check_card(found: Reckoning, told: _Told, task: sqlite3.Row) -> None:
    name, cards = (
        f"#{task['id']}",
        [message for key, message in told.of("card:") if key == f"card:{task['id']}"],
    )
    if len(cards) != 1:
        (found.doubled if cards else found.missing).append(f"{name} has {len(cards)} cards")
    elif not re.match(rf"{name} · p\d+ · \w+ · {task['state']}:", cards[0].text):
        found.missing.append(f"{name} is {task['state']}, and its card says {cards[0].text!r}")


def _check_replies(
    found: Reckoning,
    told: _Told,
    task: sqlite3.Row,
    attempts: Sequence[sqlite3.Row],
    root: str | None,
    pieces: int | None,
) -> None:
    name = f"#{task['id']}"
    answers = told.of(f"answer:{task['id']}:")
    for key, times in Counter(key for key, _ in [*answers, *told.of(f"restart:{task['id']}:")]).items():
        if times > 1:
            found.doubled.append(f"{name}: {key} was posted {times} times")
    by_attempt = {key.split("/")[0] for key, _ in answers}
    if len(by_attempt) > 1:
        found.doubled.append(f"{name} has answers of {len(by_attempt)} attempts")
    ran = any(attempt["verdict"] != "lost" for attempt in attempts) or task["cancel_asked"]
    if ran and not answers:
        found.missing.append(f"{name} ran, is {task['state']}, and has no answer")
    if task["state"] == "done" and pieces is not None and len(answers) != pieces:
        found.missing.append(f"{name}: {len(answers)} pieces of its answer, not {pieces}")
    elsewhere = {message.thread_ts for _, message in answers} - {root}
    if elsewhere:
        found.missing.append(f"{name} is answered in {elsewhere}, not in {root}")
    lost = {attempt["number"] for attempt in attempts if attempt["verdict"] == "lost"}
    for key, _ in told.of(f"restart:{task['id']}:"):
        if int(key.split(":")[2].split("/")[0]) not in lost:
            found.doubled.append(f"{name}: {key} tells of an attempt that was not lost")


def _check_ledger(
    found: Reckoning, rows: Sequence[sqlite3.Row], served: Sequence[Served], most_unknown: int
) -> None:
    billed = {one.request_id: one for one in served if one.usage}
    for request_id, times in Counter(row["request_id"] for row in rows if row["request_id"]).items():
        if times > 1:
            found.ledger.append(f"{request_id} is booked {times} times")
        if request_id not in billed:
            found.ledger.append(f"{request_id} is booked, and nothing was served for it")
    for row in rows:
        if row["cost_micro_usd"] == 0 or (row["cost_micro_usd"] is None and not row["unpriced"]):
            found.ledger.append(f"row {row['id']} says that it cost nothing")
        if one := billed.pop(row["request_id"], None):
            found.booked["estimated" if row["estimated"] else "exact"] += 1
            _check_tokens(found, row, one)
        elif not row["request_id"] and (not row["unpriced"] or not row["estimated"]):
            found.ledger.append(f"row {row['id']} has a price and no request")
    unknown = sum(not row["request_id"] for row in rows)
    found.booked["unknown, served"] += min(unknown, len(billed))
    found.booked["unknown, nothing served"] += max(unknown - len(billed), 0)
    if len(billed) > unknown:
        found.ledger.append(f"{len(billed)} served, of which {unknown} are booked as unknown")
    if unknown > most_unknown:
        found.ledger.append(f"{unknown} rows of unknown price after kills that left {most_unknown} at most")


def _check_tokens(found: Reckoning, row: sqlite3.Row, one: Served) -> None:
    names = _PROMPT if row["estimated"] else _TOKENS
    booked, counted = [row[name] for name in names], [getattr(one, name) for name in names]
    if booked != counted:
        found.ledger.append(f"{one.request_id}: booked {booked}, served {counted}")
    if row["output_tokens"] > one.output_tokens:
        found.ledger.append(f"{one.request_id}: more output is booked than was served")


def _check_sums(found: Reckoning, tasks: Sequence[sqlite3.Row], rows: Sequence[sqlite3.Row]) -> None:
    for task in tasks:
        own = [row for row in rows if row["task_id"] == task["id"]]
        cost = sum(row["cost_micro_usd"] or 0 for row in own)
        unpriced = sum(row["cost_micro_usd"] is None for row in own)
        if (task["cost_micro_usd"], task["unpriced"]) != (cost, unpriced):
            found.ledger.append(f"#{task['id']} does not cost the sum of its rows")


def pieces_of(world: World, since: Mark) -> list[int]:
    """How many pieces the answer of each task since the mark has."""
    told = _Told(_bots_messages(world)[since.messages :])
    tasks = _rows(world, "SELECT id FROM task WHERE id > ? ORDER BY id", (since.task,))
    return [len(told.of(f"answer:{task['id']}:")) for task in tasks]


def _bots_messages(world: World) -> list[Message]:
    state = world.slack.state
    everywhere = [message for found in state.messages.values() for message in found]
    own = [one for one in everywhere if one.user == state.bot_user_id and one.ephemeral_to is None]
    return sorted(own, key=lambda message: float(message.ts))


def _key(message: Message) -> str:
    for file in message.files:
        number, attempt = re.findall(r"\d+", file.name)[:2]
        return f"answer:{number}:{attempt}/{file.name}"
    metadata = message.metadata or {}
    return str(metadata.get("event_payload", {}).get("key", ""))


def _rows(world: World, query: str, values: tuple[int, ...]) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(f"{world.database.as_uri()}?mode=ro", uri=True)) as reader:
        reader.row_factory = sqlite3.Row
        return list(reader.execute(query, values))
