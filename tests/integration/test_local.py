"""The command line's verbs, on a real database and through the real local socket."""

import asyncio
import stat
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.console import Console, Misused
from bot.local import LocalDoor, ask_running, socket_path
from bot.printing import PRINTERS
from bot.records import Record
from dispatch.budget import Budgets, Purse
from dispatch.errors import MoveRefused, NotFound, OnequeueError, Unreachable
from dispatch.faults import Fault, FaultKind
from dispatch.gates import ACCOUNT, Gate, GateState
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Outcome, Tier, Verdict
from dispatch.terms import Terms
from dispatch.worker import LEASE
from tests.fakes.clock import FakeClock
from tests.integration.front_desk import front_desk

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "onequeue.db")
    yield store
    await store.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def console(store: Store, clock: FakeClock) -> Console:
    return console_for(store, clock, "COPS00001")


def console_for(store: Store, clock: FakeClock, digest_channel: str) -> Console:
    desk = front_desk(store, clock, Terms(DEFAULT_TABLE, UTC, digest_channel, clock.now().time()))
    return Console(desk.dispatcher, desk.books, clock, default_priority=5, zone=BERLIN, vault=store)


async def answer(store: Store, clock: FakeClock, tier: Tier) -> None:
    claim = await store.queue.claim(tier, Seating(2), clock.now() + LEASE, clock.now())
    assert claim
    outcome = Outcome(Verdict.ANSWERED, "All \x1b[31mgood.", "claude-opus-5-5")
    await store.queue.settle(claim, outcome, Settlement(State.DONE), clock.now())


async def test_a_task_from_the_command_line_is_read_like_any_other(console: Console) -> None:
    record = await console.ask("add", {"text": "p3 max=$2 investigate stall"})
    assert (record["priority"], record["tier"], record["cap_micro_usd"]) == (3, "opus", 2_000_000)
    assert (record["words"], record["channel"], record["state"]) == ("investigate stall", "", "queued")
    assert (await console.ask("add", {"text": "tidy the wiki"}))["priority"] == 5
    assert str((await console.ask("list", {}))["tasks"]).count("'queued'") == 2


async def test_a_waiting_task_says_where_it_stands_and_is_moved_held_and_released(console: Console) -> None:
    await console.ask("add", {"text": "p4 the first"})
    record = await console.ask("add", {"text": "p5 the second"})
    usual = {"low_micro_usd": None, "high_micro_usd": None, "low_seconds": None, "high_seconds": None}
    assert record["usual"] == {**usual, "samples": 0}
    assert (record["position"], record["starts_in_seconds"]) == (1, 0)
    moved = await console.ask("bump", {"task": "2"})
    assert (moved["priority"], moved["tier"], moved["position"], moved["in_line"]) == (4, "opus", 2, 2)
    assert "(2nd in line of 2; starts soon)" in PRINTERS["show"](
        await console.ask("show", {"task": "2"}), BERLIN
    )
    held = await console.ask("hold", {"task": "2"})
    assert (held["state"], held["hold"], held["position"]) == ("held", "person", None)
    assert (await console.ask("release", {"task": "2"}))["position"] == 2
    assert (await console.ask("lower", {"task": "2"}))["tier"] == "sonnet"


async def test_the_same_key_queues_once(console: Console) -> None:
    first = await console.ask("add", {"text": "p3 once", "key": "nightly"})
    second = await console.ask("add", {"text": "p3 once", "key": "nightly"})
    assert first["id"] == second["id"]


async def test_a_task_may_say_by_when_it_must_have_run(console: Console, clock: FakeClock) -> None:
    record = await console.ask("add", {"text": "p3 by=18:00 investigate stall"})
    assert record["expires_at"] == clock.now().replace(hour=17).isoformat()
    assert (record["hold"], record["shortage"], "rank" in record) == (None, None, False)
    printed = PRINTERS["list"](await console.ask("list", {}), UTC)
    assert "(next in line; starts soon; given up at 2026-11-23 17:00:00 UTC if it has not run)" in printed


async def test_closed_gates_are_listed_shown_and_resumed_through_the_socket(
    console: Console, store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    door = LocalDoor(path := socket_path(tmp_path / "onequeue.db"), console.ask)
    await door.open()
    try:
        nothing = await ask_running(path, "resume", {})
        assert PRINTERS["resume"](nothing, UTC) == "No gate is closed: nothing waits for an operator."
        await ask_running(path, "add", {"text": "p3 x"})
        await refuse_key(store, clock)
        listed = await ask_running(path, "list", {})
        assert listed["gates"] == [
            {
                "name": "account",
                "state": "closed",
                "fault": "authentication",
                "detail": "no such key",
                "closed_at": clock.now().isoformat(),
                "opens_at": None,
            }
        ]
        line = (
            "gate account closed since 2026-11-23 12:00:00 UTC: Claude's key was refused (no such key); "
            "only `onequeue resume` lets it be tried again"
        )
        assert PRINTERS["list"](listed, UTC).splitlines()[-1] == line
        assert line in PRINTERS["show"](await ask_running(path, "show", {"task": "1"}), UTC)
        resumed = await ask_running(path, "resume", {})
        assert "tried again at 2026-11-23 12:00:00 UTC\nThe next task" in PRINTERS["resume"](resumed, UTC)
        assert (await store.gates.all())[ACCOUNT].opens_at == clock.now()
    finally:
        await door.close()


async def refuse_key(store: Store, clock: FakeClock) -> None:
    """Has the next task of Opus find that the key is refused, for good."""
    claim = await store.queue.claim(Tier.OPUS, Seating(2), clock.now() + LEASE, clock.now())
    assert claim
    fault = Fault(FaultKind.AUTHENTICATION, "no such key")
    gate = Gate(ACCOUNT, GateState.CLOSED, fault.kind, fault.detail, 1, clock.now())
    outcome, settlement = Outcome(Verdict.FAILED, fault=fault), Settlement(State.QUEUED, gates=(gate,))
    await store.queue.settle(claim, outcome, settlement, clock.now())


async def test_a_task_held_by_a_budget_says_which(console: Console, store: Store, clock: FakeClock) -> None:
    await console.ask("add", {"text": "p3 x"})
    now = clock.now()
    purse = Purse(Budgets(everybody=5_000_000, urgent=5_000_000), now, now + timedelta(hours=12))
    assert await store.queue.claim(Tier.OPUS, Seating(2), now + LEASE, now, purse) is None
    record = await console.ask("show", {"task": "1"})
    assert record["hold"] == "budget"
    assert record["shortage"] == {
        "scope": "all",
        "limit_micro_usd": 5_000_000,
        "spent_micro_usd": 0,
        "reserved_micro_usd": 0,
        "kept_micro_usd": 5_000_000,
        "resets_at": (now + timedelta(hours=12)).isoformat(),
    }
    printed = PRINTERS["show"](record, UTC)
    assert "(by budget until 2026-11-24 00:00:00 UTC)" in printed
    assert "held by the budget of all: $0.00 of $5.00 spent, $0.00 reserved" in printed


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("add", {"text": "p11 x"}),
        ("add", {"text": "list"}),
        ("dance", {}),
        ("digest", {"date": "2031-01-01"}),
    ],
)
async def test_what_cannot_be_read_is_told_with_the_right_form(
    console: Console, verb: str, words: Mapping[str, str]
) -> None:
    with pytest.raises(Misused):
        await console.ask(verb, words)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("p11 x < y", "`onequeue add 'p10 x < y'`"),
        ("show me", "`onequeue show 42`, or `onequeue add p5 show me` to make these words a task"),
        ("stop 7 now", "`onequeue cancel 7`, or `onequeue add p5 stop 7 now`"),
        ("help me", "`onequeue --help`, or `onequeue add p5 help me`"),
    ],
)
async def test_the_right_form_is_the_one_of_the_command_line(console: Console, text: str, right: str) -> None:
    with pytest.raises(Misused) as refused:
        await console.ask("add", {"text": text})
    assert right in str(refused.value)
    assert "/task" not in str(refused.value)


async def test_moves_that_make_no_sense_are_refused(console: Console, store: Store, clock: FakeClock) -> None:
    with pytest.raises(NotFound):
        await console.ask("show", {"task": "42"})
    await console.ask("add", {"text": "p3 x"})
    await answer(store, clock, Tier.OPUS)
    for verb in ("cancel", "retry"):
        with pytest.raises(MoveRefused):
            await console.ask(verb, {"task": "1"})


async def test_everything_prints(console: Console, store: Store, clock: FakeClock) -> None:
    records: dict[str, Record] = {"add": await console.ask("add", {"text": "p3 investigate stall"})}
    records["list"] = await console.ask("list", {})
    await answer(store, clock, Tier.OPUS)
    records["show"] = await console.ask("show", {"task": "1"})
    await console.ask("add", {"text": "p9 other"})
    records["cancel"] = await console.ask("cancel", {"task": "2"})
    records["retry"] = await console.ask("retry", {"task": "2"})
    records["cost"] = await console.ask("cost", {"period": "month"})
    records["digest"] = await console.ask("digest", {"date": str(clock.now().date())})
    printed = {verb: PRINTERS[verb](record, UTC) for verb, record in records.items()}
    assert printed["add"].startswith("#1  p3  opus  queued")
    assert "All good." in printed["show"]
    assert "\x1b" not in printed["show"]
    assert "cancelled" in printed["cancel"]
    assert printed["cost"] == "month: $0.00"
    assert "1 done" in printed["digest"]


async def test_thumbs_are_shown_with_who_gave_them(console: Console, store: Store, clock: FakeClock) -> None:
    await console.ask("add", {"text": "p3 x"})
    await answer(store, clock, Tier.OPUS)
    shown = await console.ask("show", {"task": "1"})
    assert shown["thumbs"] == []
    assert "thumbs" not in PRINTERS["show"](shown, UTC)
    for person, liked in (("USAM00001", True), ("UKIM00001", False), ("UANA\x1b", False)):
        await store.queue.give(1, person, liked, clock.now())
    shown = await console.ask("show", {"task": "1"})
    assert {"person": "UKIM00001", "liked": False} in shown["thumbs"]  # type: ignore[operator]
    printed = PRINTERS["show"](shown, UTC).splitlines()
    assert printed[-1].startswith("thumbs: 1 up (USAM00001), 2 down (UANA")
    assert "\x1b" not in printed[-1]
    digest = await console.ask("digest", {"date": str(clock.now().date())})
    assert digest["thumbs"] == {"up": 1, "down": 2, "disliked": [1, 1]}
    assert "Thumbs: 1 up, 2 down (#1)." in PRINTERS["digest"](digest, UTC)


async def test_waiting_ends_with_the_answer(console: Console, store: Store, clock: FakeClock) -> None:
    await console.ask("add", {"text": "p3 x"})
    waiting = asyncio.create_task(console.ask("wait", {"task": "1"}))
    async with asyncio.timeout(5):
        while not clock.sleeping:
            await store.queue.counts()
        await answer(store, clock, Tier.OPUS)
        clock.advance(timedelta(seconds=1))
        assert (await waiting)["state"] == "done"


async def test_a_day_is_posted_once(console: Console, clock: FakeClock) -> None:
    yesterday = str((clock.now() - timedelta(days=1)).date())
    assert (await console.ask("digest", {"date": yesterday, "post": "yes"}))["posted"] is True
    assert (await console.ask("digest", {"date": yesterday, "post": "yes"}))["posted"] is False


async def test_posting_without_a_channel_says_what_to_set(store: Store, clock: FakeClock) -> None:
    with pytest.raises(Unreachable, match="ONEQUEUE_DIGEST_CHANNEL"):
        await console_for(store, clock, "").ask("digest", {"post": "yes"})


async def test_tidying_loses_nothing(console: Console, store: Store) -> None:
    await console.ask("add", {"text": "p3 x"})
    await store.database.tidy()
    assert (await console.ask("show", {"task": "1"}))["state"] == "queued"


async def test_the_socket_carries_records_and_errors(console: Console, tmp_path: Path) -> None:
    path = socket_path(tmp_path / "onequeue.db")
    with pytest.raises(Unreachable):
        await ask_running(path, "list", {})
    door = LocalDoor(path, console.ask)
    await door.open()
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        record = await ask_running(path, "add", {"text": "p3 über alles"})
        assert record["words"] == "über alles"
        with pytest.raises(Misused, match="p11"):
            await ask_running(path, "add", {"text": "p11 x"})
        with pytest.raises(OnequeueError, match="42"):
            await ask_running(path, "show", {"task": "42"})
    finally:
        await door.close()
    assert not path.exists()


async def test_a_socket_left_by_a_dead_process_is_replaced(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "left.sock"
    path.touch()
    door = LocalDoor(path, console.ask)
    await door.open()
    assert (await ask_running(path, "list", {}))["tasks"] == []
    await door.close()


def test_a_long_path_still_has_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100) / "onequeue.db"
    assert len(str(socket_path(deep))) < 104
    assert socket_path(deep) != socket_path(deep.with_name("other.db"))
