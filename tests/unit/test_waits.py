"""Why a task waits: gates, budgets, its own end of life; on cards, in lists, without blocks."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views import texts
from bot.views.card import card
from bot.views.gate import check
from bot.views.message import Message
from bot.views.notices import expired_notice, restart_notice
from bot.views.offers import on_card
from bot.views.waits import Barrier, cause, held_by_budget, holding_back, shut
from dispatch.faults import FaultKind
from dispatch.gates import ACCOUNT, RUNTIME, Gate, GateState
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.task import MODEL_TIERS, Attempt, HoldKind, Shortage, Task
from dispatch.usage import MICRO_USD
from tests.fakes.outlooks import make_outlook
from tests.fakes.values import NOON, make_task
from tests.unit.messages import ANA, failed, fits, make_attempt, pings, said, strangers

AT_20 = NOON + timedelta(minutes=20)
EVENING = NOON + timedelta(hours=6)
MIDNIGHT = NOON + timedelta(hours=12)
TOMORROW = NOON + timedelta(days=1, hours=2)


def clock(at: Any) -> str:
    return f"<!date^{int(at.timestamp())}^{{time}}|{at:%H:%M} UTC>"


def closed(name: str, fault: FaultKind, **changes: Any) -> Gate:
    given = {"closed_at": NOON, "opens_at": AT_20, "faults": 1, **changes}
    return Gate(name, GateState.CLOSED, fault, **given)


def probing(name: str, fault: FaultKind) -> Gate:
    return Gate(name, GateState.PROBING, fault, closed_at=NOON, opens_at=NOON, probe=7)


def task(state: State = State.QUEUED, priority: int = 6, **changes: Any) -> Task:
    return make_task(42, priority, **{"state": state, "attempt": 0, **changes})


def short(scope: str = "all", limit: int = 50, spent: int = 42, reserved: int = 0, kept: int = 8) -> Shortage:
    dollars = (limit * MICRO_USD, spent * MICRO_USD, reserved * MICRO_USD, kept * MICRO_USD)
    return Shortage(scope, *dollars, MIDNIGHT)


def held(shortage: Shortage, priority: int = 6, **changes: Any) -> Task:
    held_so = {"hold": HoldKind.BUDGET, "shortage": shortage, "run_at": MIDNIGHT, **changes}
    return task(State.HELD, priority, **held_so)


def shown(of: Task, attempts: list[Attempt] | None = None, barrier: Barrier | None = None) -> str:
    given = None if of.script or of.state is not State.QUEUED else make_outlook()
    offers = on_card(of, DEFAULT_TABLE)
    return said(card(of, attempts or [], NOON, barrier=barrier, offers=offers, outlook=given))


def test_a_task_behind_a_rate_limit_says_until_when_and_how_many_wait() -> None:
    barrier = Barrier(closed("sonnet", FaultKind.RATE_LIMITED), waiting=3)
    assert shown(task(), barrier=barrier) == (
        ":large_blue_circle: *#42 · p6 · Sonnet · queued*\ninvestigate stall\n"
        f"Waiting until {clock(AT_20)}: Sonnet is rate limited (3 tasks wait for it)"
        " · 2nd in line of 2 · starts in ~6 min · usually $0.80-1.50, 6-11 min\n"
        "p6 -> Sonnet · $31.20 of today's $50 left\nBump to p5\nLower to p7\nHold\nCancel"
    )


def test_a_task_that_waits_alone_is_not_counted() -> None:
    barrier = Barrier(closed("sonnet", FaultKind.OVERLOADED), waiting=1)
    assert f"Waiting until {clock(AT_20)}: Sonnet is overloaded · 2nd in line" in shown(task(), None, barrier)


def test_a_gate_that_may_be_tried_or_is_being_tried_promises_no_time() -> None:
    due = Barrier(closed("sonnet", FaultKind.RATE_LIMITED, opens_at=NOON))
    assert "Waiting: Sonnet is rate limited. The next task in line tries" in shown(task(), None, due)
    tried = Barrier(probing("sonnet", FaultKind.RATE_LIMITED))
    assert "Waiting: Sonnet is rate limited. One task is trying now" in shown(task(), None, tried)


def test_a_time_on_another_day_has_its_day() -> None:
    barrier = Barrier(closed("sonnet", FaultKind.RATE_LIMITED, opens_at=TOMORROW))
    assert "{date_short_pretty} {time}|2026-11-24 14:00 UTC>" in shown(task(), None, barrier)


def test_a_task_behind_the_account_is_innocent_and_keeps_its_place() -> None:
    gate = closed(ACCOUNT, FaultKind.AUTHENTICATION)
    told = shown(task(), None, Barrier(gate, waiting=4, told=True))
    assert (
        f"Nothing is wrong with your task: Claude's key was refused at {clock(NOON)}. It keeps its place "
        f"(4 tasks wait for it); the operators have been told. It is tried again at {clock(AT_20)} · 2nd"
    ) in told
    assert "operators have been told" not in shown(task(), None, Barrier(gate))


def test_a_gate_that_only_an_operator_opens_says_so() -> None:
    gate = closed(ACCOUNT, FaultKind.SUSPENDED, opens_at=None)
    told = shown(task(), None, Barrier(gate))
    assert "Claude's account was suspended at" in told
    assert "An operator has to let it be tried again, with `/task resume`" in told


def test_a_task_behind_the_runtime_says_what_failed() -> None:
    gate = closed(RUNTIME, FaultKind.RUNTIME, detail="the <disk> is full.")
    told = shown(task(), None, Barrier(gate))
    assert f"something that every task runs on failed at {clock(NOON)}: the <disk> is full. It keeps" in told


def test_without_blocks_a_card_still_says_why_it_waits() -> None:
    bare = card(task(), [], NOON, barrier=Barrier(closed("sonnet", FaultKind.RATE_LIMITED))).without_blocks()
    assert "#42 · p6 · Sonnet · queued: investigate stall. Waiting until" in bare.text
    assert "Held by budget" in card(held(short()), [], NOON).without_blocks().text


def test_the_gate_that_opens_last_is_the_one_that_holds_back() -> None:
    tier = closed("sonnet", FaultKind.RATE_LIMITED, opens_at=EVENING)
    account = closed(ACCOUNT, FaultKind.AUTHENTICATION)
    never = closed(ACCOUNT, FaultKind.SUSPENDED, opens_at=None)
    others = {"opus": closed("opus", FaultKind.OVERLOADED), RUNTIME: Gate(RUNTIME, faults=2)}
    gates = {"sonnet": tier, ACCOUNT: account, **others}
    assert holding_back(gates, task()) == [tier, account]
    assert holding_back({"sonnet": tier, ACCOUNT: never}, task()) == [never, tier]
    assert holding_back(gates, task(State.RUNNING)) == []
    assert [gate.name for gate in shut(gates)] == [ACCOUNT, "opus", "sonnet"]


def test_every_fault_that_closes_a_gate_has_words_and_so_has_any_other() -> None:
    assert cause("opus", FaultKind.FORBIDDEN) == "our key may not use Opus"
    assert cause("opus", None) == "Opus does not work"
    assert len({cause("opus", kind) for kind in FaultKind}) == 10


@pytest.mark.parametrize(
    ("shortage", "words"),
    [
        (short(), "today's $50.00 for everybody is spent but for the $8.00 kept for p1 and p2."),
        (short(spent=45), "today's $50.00 for everybody is spent but for the $5.00 kept for p1 and p2."),
        (short(spent=51), "today's $50.00 for everybody is spent."),
        (short("tier:sonnet", 9, 9, 0, 0), "today's $9.00 for Sonnet is spent."),
        (short("channel:C1", 9, 9, 0, 0), "today's $9.00 for this channel is spent."),
        (short("person:U1", 9, 9, 0, 0), "today's $9.00 for the person who asked is spent."),
        (
            short(spent=29, reserved=12),
            "$1.00 of today's $50.00 for everybody is left, less than its cap needs: $29.00 is spent, "
            "$12.00 is reserved by running tasks, $8.00 is kept for p1 and p2.",
        ),
        (
            short("tier:sonnet", 4, 3, 0, 0),
            "$1.00 of today's $4.00 for Sonnet is left, less than its cap needs: $3.00 is spent.",
        ),
    ],
)
def test_a_shortage_says_whose_budget_and_where_its_money_is(shortage: Shortage, words: str) -> None:
    told = held_by_budget(shortage)
    assert told.startswith(f"Held by budget: {words} Resets at {clock(MIDNIGHT)}")
    assert ("running tasks may leave room before" in told) == bool(shortage.reserved_micro_usd)


def test_a_held_card_says_so_once_and_offers_a_cheaper_tier() -> None:
    of = held(short(), expires_at=EVENING)
    told = card(of, [], NOON, offers=on_card(of, DEFAULT_TABLE))
    assert "Waiting until" not in said(told)
    assert f" · given up at {clock(EVENING)} if it has not run" in said(told)
    row = told.blocks[-1]
    assert (row["type"], row["block_id"]) == ("actions", "task:42")
    assert [(b["action_id"], b["text"]["text"], b["value"]) for b in row["elements"]] == [
        ("cheaper", "Run on Haiku", "42"),
        ("wait", "Wait", "42"),
        ("cancel", "Cancel", "42"),
    ]


def test_the_cheapest_tier_can_only_wait() -> None:
    assert [offer.label for offer in on_card(held(short(), 9), DEFAULT_TABLE)] == ["Wait", "Cancel"]
    dearer = on_card(held(short(), 3), DEFAULT_TABLE)
    assert [offer.label for offer in dearer] == ["Run on Sonnet", "Wait", "Cancel"]
    assert "cheaper" not in [offer.action for offer in on_card(task(), DEFAULT_TABLE)]


def test_a_card_says_when_its_task_is_given_up() -> None:
    told = f"given up at {clock(EVENING)} if it has not run"
    assert told in shown(task(expires_at=EVENING))
    retried = task(State.HELD, hold=HoldKind.RETRY, run_at=AT_20, expires_at=EVENING, attempt=1)
    assert told in shown(retried, [failed(FaultKind.NETWORK)])
    assert "given up" not in shown(task(State.RUNNING, expires_at=EVENING))
    assert "given up <!date^" in shown(task(expires_at=TOMORROW))


def test_an_expired_task_says_when_and_what_to_do() -> None:
    of = task(State.EXPIRED, expires_at=EVENING, finished_at=EVENING, cost_micro_usd=310_000)
    told = shown(of)
    assert f"Given up at {clock(EVENING)}: it had no answer by then · $0.31 already counts" in told
    assert "`/task retry 42` runs it after all" in told
    notice = expired_notice(of)
    assert f"given up at {clock(EVENING)}: it had no answer by then. $0.31 already counts." in notice.text
    assert pings(notice) == [ANA]
    check(notice)
    assert "already counts" not in expired_notice(task(State.EXPIRED)).text


def test_a_list_says_what_each_waits_for_and_ends_with_the_gates() -> None:
    tasks = [held(short()), task(State.HELD, hold=HoldKind.RETRY, run_at=AT_20), task(expires_at=EVENING)]
    gates = [closed("sonnet", FaultKind.RATE_LIMITED), closed(ACCOUNT, FaultKind.SUSPENDED, opens_at=None)]
    assert texts.listed(tasks, 50, gates).splitlines() == [
        "*3 open tasks*, 0 running",
        f"#42 · p6 · Sonnet · held · by budget until {clock(MIDNIGHT)} · investigate stall",
        f"#42 · p6 · Sonnet · held · until {clock(AT_20)} · investigate stall",
        f"#42 · p6 · Sonnet · queued · given up at {clock(EVENING)} if it has not run · investigate stall",
        f":white_circle: *Sonnet* closed since {clock(NOON)} · Sonnet is rate limited · "
        f"tried again at {clock(AT_20)}",
        f":white_circle: *Account* closed since {clock(NOON)} · Claude's account was suspended · "
        "only `/task resume` lets it be tried again",
    ]
    alone = texts.listed([], 50, [probing("opus", FaultKind.OVERLOADED)]).splitlines()
    assert alone[0] == "Nothing is waiting or running."
    assert alone[1].startswith(":white_circle: *Opus* probing since")
    assert alone[1].endswith("Opus is overloaded · one task is trying now")


def test_a_long_list_still_ends_with_the_gates() -> None:
    gates = [closed(name, FaultKind.RATE_LIMITED) for name in MODEL_TIERS]
    told = texts.listed([task(words="long " * 60)] * 50, 50, gates)
    assert len(told) <= 3_900
    assert "more" in told.splitlines()[-4]
    assert [line.count("rate limited") for line in told.splitlines()[-3:]] == [1, 1, 1]


def test_a_task_is_shown_with_what_it_waits_for() -> None:
    assert "Held by budget: today's $50.00" in texts.shown(held(short()), [])
    told = texts.shown(task(expires_at=EVENING), [], [closed("sonnet", FaultKind.RATE_LIMITED)])
    assert f"\nGiven up at {clock(EVENING)} if it has not run\n:white_circle: *Sonnet* closed" in told


def test_receipts_say_when_a_task_is_given_up() -> None:
    told = texts.receipt(task(expires_at=EVENING), created=True)
    assert told == f"Queued as #42 · p6 · Sonnet · given up at {clock(EVENING)} if it has not run"


def test_what_resuming_came_to() -> None:
    assert texts.resumed([]) == "No gate is closed: nothing waits for an operator."
    tried = texts.resumed([probing(ACCOUNT, FaultKind.AUTHENTICATION)])
    assert tried.splitlines()[1].startswith("A task tries already.")
    told = texts.resumed([closed(ACCOUNT, FaultKind.AUTHENTICATION)])
    assert told.startswith("*Account*: Claude's key was refused\nThe next task in line tries now.")


gates = st.builds(
    Gate,
    st.sampled_from([*MODEL_TIERS, ACCOUNT, RUNTIME]).map(str),
    st.sampled_from([GateState.CLOSED, GateState.PROBING]),
    st.none() | st.sampled_from(FaultKind),
    strangers,
    closed_at=st.none() | st.just(NOON),
    opens_at=st.sampled_from([None, NOON, AT_20, TOMORROW]),
)
shortages = st.builds(
    Shortage,
    st.sampled_from(["all", "tier:opus", "tier:<!here>", "channel:C1", "person:U1"]) | strangers,
    *[st.integers(0, 10**10) for _ in range(4)],
    st.just(MIDNIGHT),
)


@given(gates, shortages, st.sampled_from(State), st.integers(1, 10), strangers, st.integers(0, 500))
def test_every_reason_fits_and_pings_nobody(
    gate: Gate, shortage: Shortage, state: State, priority: int, words: str, waiting: int
) -> None:
    of = held(shortage, priority, words=words, expires_at=EVENING)
    behind = task(State.QUEUED, priority, words=words, expires_at=TOMORROW)
    barrier = Barrier(gate, waiting, told=True)
    messages = [
        card(of, [failed(FaultKind.RUNTIME, words, words)], NOON, words, None, on_card(of, DEFAULT_TABLE)),
        card(behind, [], NOON, words, barrier),
        Message(texts.listed([of, behind] * 25, 50, [gate])),
        Message(texts.shown(of, [], [gate])),
        Message(texts.resumed([gate])),
        restart_notice(behind, make_attempt(), words),
        expired_notice(task(State.EXPIRED, requester="cli:ana", expires_at=EVENING)),
    ]
    for message in messages:
        for sent in (message, message.without_blocks()):
            check(sent)
            fits(sent)
            assert pings(sent) == []
