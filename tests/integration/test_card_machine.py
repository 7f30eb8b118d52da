"""Any order of moves on a real store: card, Home and `show` say the place, price and time that are so."""

import asyncio
import re
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from statistics import median_low
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.access import Rules
from bot.chat import SlackChat
from bot.directory import Directory
from bot.letters import Letters
from bot.money import dollars
from bot.overview import Overview, Seen
from bot.ports import ChatError
from bot.rehearsal.slack.blocks import check_blocks
from bot.rights import TeamRights
from bot.views.gate import check
from bot.views.looks import PAGE, Filter, Look
from bot.views.message import Message
from bot.views.texts import shown
from bot.views.waits import holding_back
from bot.words import ordinal
from dispatch.delivery import Delivery, DeliveryKind
from dispatch.errors import MoveRefused
from dispatch.faults import Fault, FaultKind
from dispatch.forecast import LEAST, likeness
from dispatch.policy import Settlement
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Task, Tier, Verdict
from dispatch.usage import Price, Unpriced, Usage
from tests.contracts.stores import LEASE, NOW
from tests.fakes.clock import FakeClock
from tests.fakes.register import TEAM, FakeRegister
from tests.integration.front_desk import front_desk
from tests.integration.post_room import TERMS, digest
from tests.slackshapes import check_view

T = TypeVar("T")
WORDS = ("check the queue", "investigate stall")
FAILED = Outcome(Verdict.FAILED, "half", "m", Fault(FaultKind.REFUSAL))
MOVES = ("bump", "lower", "hold", "release", "cancel", "retry", "tier_up")
DEAF = "http://127.0.0.1:1"


def card_of(task: Task) -> Delivery:
    """The delivery of a task's card, as a courier gets it."""
    return Delivery(
        id=task.id,
        key=f"card:{task.id}",
        kind=DeliveryKind.CARD,
        task_id=task.id,
        attempt=None,
        channel=task.channel,
        thread=task.thread,
        person=None,
        body="",
        weight=0,
        message=None,
        revision=1,
        parts_sent=0,
        tries=0,
        in_doubt=False,
        due_at=task.created_at,
    )


class CardMachine(RuleBasedStateMachine):
    """Drives a store, and reads the cards of what waits against the file itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "onequeue.db"
        self.store = self.do(Store.open(self.path))
        self.clock = FakeClock(NOW)
        front = front_desk(self.store, self.clock, TERMS)
        self.desk = front.dispatcher
        slack: Any = FakeRegister()
        directory = Directory(slack, TEAM, self.clock)
        rights = TeamRights(Rules(), directory, TERMS.table)
        links: Any = None
        self.overview = Overview(self.desk, front.books, rights, directory, links, TERMS, default_priority=5)
        self.claims: list[Claim] = []
        self.asked = 0
        self.came_to: list[tuple[Tier, str, int | None, int]] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.do(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    @rule(
        priority=st.sampled_from([1, 3, 4, 5, 9]),
        who=st.sampled_from(["cli:ana", "cli:sam"]),
        words=st.sampled_from(WORDS),
        count=st.integers(1, 4),
    )
    def ask(self, priority: int, who: str, words: str, count: int) -> None:
        for _ in range(count):
            self.asked += 1
            new = NewTask(f"k{self.asked}", Source.CLI, who, words, priority, channel="COPS00001")
            self.do(self.desk.submit(new))

    @rule(tier=st.sampled_from(Tier), seconds=st.integers(1, 900), cost=st.none() | st.integers(0, 2_000_000))
    def answer_all(self, tier: Tier, seconds: int, cost: int | None) -> None:
        while self.begin(tier):
            self.end_newest(seconds, cost, State.DONE)

    @rule(tier=st.sampled_from(Tier))
    def start(self, tier: Tier) -> None:
        self.begin(tier)

    def begin(self, tier: Tier) -> bool:
        """Starts the first in line, if one may start. Whether one did."""
        now = self.clock.now()
        claim = self.do(self.store.queue.claim(tier, TERMS.seating(tier), now + LEASE, now))
        if claim is not None:
            self.claims.append(claim)
        return claim is not None

    @precondition(lambda self: self.claims)
    @rule(
        seconds=st.integers(0, 900),
        cost=st.none() | st.integers(0, 2_000_000),
        end=st.sampled_from([State.DONE, State.DONE, State.FAILED, State.HELD]),
    )
    def end(self, seconds: int, cost: int | None, end: State) -> None:
        self.end_newest(seconds, cost, end)

    def end_newest(self, seconds: int, cost: int | None, end: State) -> None:
        """Ends the attempt that began last, after so long and for so much."""
        claim = self.claims.pop()
        price = Unpriced("unknown") if cost is None else Price(cost, "v1")
        booking = self.do(self.store.ledger.open(claim, "m", self.clock.now()))
        self.do(
            self.store.ledger.book(
                booking,
                model="m",
                request_id="r",
                usage=Usage(),
                price=price,
                estimated=False,
                now=self.clock.now(),
            )
        )
        self.clock.advance(timedelta(seconds=seconds))
        now = self.clock.now()
        run_at = now + timedelta(minutes=1) if end is State.HELD else None
        outcome = Outcome(Verdict.ANSWERED, "yes", "m") if end is State.DONE else FAILED
        task = self.do(self.store.queue.settle(claim, outcome, Settlement(end, run_at), now))
        if task.state is State.DONE:
            attempts = self.do(self.store.queue.attempts(task.id))
            took = sum(((one.ended_at or now) - one.started_at).total_seconds() for one in attempts)
            cost = None if task.unpriced else task.cost_micro_usd
            self.came_to.append((task.route.tier, likeness(task.words, None), cost, int(took)))

    @precondition(lambda self: self.asked)
    @rule(pick=st.integers(0), move=st.sampled_from(MOVES), key=st.integers(0, 5))
    def move(self, pick: int, move: str, key: int) -> None:
        number = 1 + pick % self.asked
        task = self.do(self.store.queue.task(number))
        asked = f"{move}:{key}"
        moves: dict[str, Callable[[], Coroutine[Any, Any, Task]]] = {
            "bump": lambda: self.desk.reprioritise(number, task.priority - 1, "cli:ana", asked),
            "lower": lambda: self.desk.reprioritise(number, task.priority + 1, "cli:sam", asked),
            "hold": lambda: self.desk.hold(number, "cli:ana", asked),
            "release": lambda: self.desk.release(number, "cli:ana", asked),
            "cancel": lambda: self.desk.cancel(number, "cli:ana"),
            "retry": lambda: self.desk.retry(number, "cli:ana", asked),
            "tier_up": lambda: self.desk.tier_up(number, "cli:ana", asked),
        }
        try:
            moved = self.do(moves[move]())
        except MoveRefused:
            after = self.do(self.store.queue.task(number))
            assert after == task
        else:
            self.asked = max(self.asked, moved.id)

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        self.do(self.desk.tend())

    @invariant()
    def every_card_in_line_says_what_is_so(self) -> None:
        lines = self.lines()
        for number in [number for line in lines.values() for number in line]:
            task = self.do(self.store.queue.task(number))
            said = self.card(task)
            line = lines[task.route.tier]
            ahead = line.index(number)
            place = "next in line" if ahead == 0 else f"{ordinal(ahead + 1)} in line"
            place = place if len(line) == 1 else f"{place} of {len(line)}"
            assert task.route.reason.replace(">", "&gt;") in said
            assert f"{place} · " in said
            assert self.usually(task) in said
            assert ("starts soon" in said) >= self.has_a_seat(task, ahead)

    @precondition(lambda self: self.asked)
    @rule(pick=st.integers(0))
    def somebody_looks(self, pick: int) -> None:
        """A Home shows every open task once, and says of what waits what its card and `show` say."""
        rows, lines = self.rows(), self.lines()
        open_tasks = {task.id: task for task in self.do(self.desk.open_tasks(1_000))}
        for task in open_tasks.values():
            tier = task.route.tier.capitalize()
            assert rows[task.id].startswith(f"*#{task.id} · p{task.priority} · {tier} · {task.state}*")
        for line in filter(None, lines.values()):
            task = open_tasks[line[pick % len(line)]]
            ahead = line.index(task.id)
            place = "next in line" if ahead == 0 else f"{ordinal(ahead + 1)} in line"
            place = place if len(line) == 1 else f"{place} of {len(line)}"
            for told in (rows[task.id], self.shown(task)):
                assert f"{place} · " in told
                assert self.usually(task) in told
                assert ("starts soon" in told) >= self.has_a_seat(task, ahead)

    def rows(self) -> dict[int, str]:
        """What a Home says of each task, on all its pages."""
        seen = self.do(self.overview.read())
        found: dict[int, str] = {}
        for page in range(-(-(len(seen.waiting) + len(seen.ended)) // PAGE)):
            for row in re.split(r"(?=\*#\d+ · )", self.home(seen, page)):
                if begins := re.match(r"\*#(\d+) · ", row):
                    assert int(begins[1]) not in found
                    found[int(begins[1])] = row
        return found

    def home(self, seen: Seen, page: int) -> str:
        """What that page of a Home says."""
        found = self.do(self.overview.home("UANA00001", Look(Filter.ALL, page=page), seen))
        check(Message("", found.blocks))
        check_view({"type": "home", "blocks": list(found.blocks), "private_metadata": found.metadata})
        return "\n".join(block["text"]["text"] for block in found.blocks if block["type"] == "section")

    def shown(self, task: Task) -> str:
        """What `show` says of that task."""
        found, attempts = self.do(self.desk.show(task.id))
        outlooks, gates = self.do(self.desk.outlooks([found])), self.do(self.desk.gates())
        said = shown(found, attempts, holding_back(gates, found), None, outlooks)
        return said.replace("Next in line", "next in line")

    def lines(self) -> dict[Tier, list[int]]:
        """The numbers of the queued tasks by tier, in the order in which they are claimed."""
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as raw:
            found = raw.execute("SELECT tier, id FROM task WHERE state = 'queued' ORDER BY rank, turn, id")
            lines: dict[Tier, list[int]] = {}
            for tier, number in found:
                lines.setdefault(Tier(tier), []).append(number)
        return lines

    def card(self, task: Task) -> str:
        """All that a task's card says, written by letters that remember nothing."""
        chat = SlackChat("xoxb-none", DEAF)
        letters = Letters(self.store.queue, self.store.gates, chat, digest, TERMS, ())
        try:
            (card,) = self.do(letters.of(card_of(task), self.clock.now()))
        except ChatError:
            raise AssertionError("nobody's name is asked for") from None
        assert isinstance(card, Message)
        check(card)
        check_blocks([dict(block) for block in card.blocks])
        return "\n".join(str(block) for block in card.blocks)

    def usually(self, task: Task) -> str:
        """What the card must say of the price, counted by hand."""
        mine = likeness(task.words, None)
        of_tier = [(cost, took) for tier, _, cost, took in self.came_to if tier is task.route.tier]
        alike = [
            (cost, took) for tier, like, cost, took in self.came_to if (tier, like) == (task.route.tier, mine)
        ]
        seen = alike if len(alike) >= LEAST else of_tier
        if len(seen) < LEAST:
            return f"too few to say, {len(seen) or 'none'} so far"
        priced = sorted(cost for cost, _ in seen if cost is not None)
        if len(priced) < LEAST:
            return f"price: too few to say, {len(priced) or 'none'} so far"
        quarter = (len(priced) - 1) // 4
        low, high = dollars(priced[quarter]), dollars(priced[len(priced) - 1 - quarter])
        assert priced[quarter] <= median_low(priced) <= priced[len(priced) - 1 - quarter]
        if priced[len(priced) - 1 - quarter] == 0:
            return "usually "
        return f"usually {low}" + ("" if low == high else f"-{high.removeprefix('$')}")

    def has_a_seat(self, task: Task, ahead: int) -> bool:
        """Whether a seat is free for it and for all before it, and it is not its requester's turn to wait."""
        seating = TERMS.seating(task.route.tier)
        running = self.do(self.store.queue.under_way())
        taken = sum(one.task.route.tier is task.route.tier for one in running)
        own = sum(one.task.requester == task.requester for one in running)
        seats = seating.seats - (0 if task.priority <= 2 else seating.kept)
        return ahead + taken < seats and own < seating.per_requester


TestCardMachine = CardMachine.TestCase
TestCardMachine.settings = settings(
    max_examples=12, stateful_step_count=30, suppress_health_check=list(HealthCheck)
)
