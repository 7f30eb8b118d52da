"""What agents changed, and costs that are disputed, as people are told: in cards, answers, lists and JSON."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.money import told_apart
from bot.printing import PRINTERS
from bot.records import attempt_record, cost_record, full_record
from bot.views import texts
from bot.views.answer import footer, reply
from bot.views.card import card
from bot.views.gate import check
from bot.views.notices import restart_notice
from bot.views.quiet import hushed
from bot.views.work import branches, counted_files, in_short, whereabouts, work_told
from dispatch.faults import Fault, FaultKind
from dispatch.states import State
from dispatch.task import Task, Verdict
from dispatch.work import Kept, Work
from tests.fakes.values import NOON
from tests.unit.messages import EVIL, failed, fits, make_attempt, pings, running, said, strangers, task

UTC = ZoneInfo("UTC")
DIFFSTAT = (
    "queue.py     | 2 +-\n app/limit.py | 9 ++++++---\n 2 files changed, 7 insertions(+), 4 deletions(-)"
)
COUNT = "2 files changed, 7 insertions(+), 4 deletions(-)"
WORK = Work("onequeue/42", DIFFSTAT)

names = st.text(min_size=1, max_size=60) | st.just(EVIL) | strangers.filter(bool)


def payments(state: State = State.DONE, **changes: object) -> Task:
    return task(state, **{"project": "payments", **changes})


def test_the_card_names_the_project_and_at_the_end_the_branch() -> None:
    shown = card(payments(), [make_attempt(work=WORK)], NOON)
    assert shown.text.startswith("#42 · p3 · Opus · payments · done: ")
    assert said(shown).endswith("7 min 12 s · $0.93 · answer in the thread · work on `onequeue/42`")
    for state in (State.FAILED, State.CANCELLED, State.PARKED, State.EXPIRED, State.QUEUED, State.HELD):
        assert "work on `onequeue/42`" in said(card(payments(state), [make_attempt(work=WORK)], NOON))
    assert "work" not in said(card(payments(), [make_attempt()], NOON))


def test_all_branches_of_a_task_are_named_and_how_each_is_kept() -> None:
    kept = (Kept.REFUSED, Kept.BRANCH, Kept.UNPUSHED, Kept.PUSHED)
    attempts = [make_attempt(n, work=Work(f"onequeue/42-{n}", "", kept)) for n, kept in enumerate(kept, 1)]
    assert branches(attempts[:2]) == "work on `onequeue/42-1`, refused by git; `onequeue/42-2`"
    assert branches([*attempts, make_attempt(5)]) == (
        "work on 1 earlier; `onequeue/42-2`; `onequeue/42-3`, push failed; `onequeue/42-4`, pushed"
    )
    assert branches([make_attempt()]) == ""


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (Kept.BRANCH, "on branch `onequeue/42` in the repository of payments; nothing was pushed."),
        (Kept.PUSHED, "on branch `onequeue/42` of payments, pushed to `origin`."),
        (Kept.UNPUSHED, "Pushing it to `origin` failed: the log says why."),
        (
            Kept.REFUSED,
            "Git refused to commit its changes to branch `onequeue/42` of payments: the files stay",
        ),
    ],
)
def test_the_thread_is_told_where_the_work_is(kept: Kept, told: str) -> None:
    work = replace(WORK, kept=kept)
    assert told in whereabouts(payments(), work)
    for attempt in (make_attempt(work=work), failed(FaultKind.TIMEOUT, "so far", work=work)):
        (message, *_) = reply(payments(), attempt).messages
        fits(message)
        check(message)
        assert told in said(message)
        assert f"app/limit.py | 9 ++++++---\n{COUNT}\n```" in said(message)
        assert said(message).index("```") < said(message).index("p3 -> Opus"), "the receipt goes last"


def test_a_cancelled_task_and_a_lost_attempt_say_it_too() -> None:
    stopped = make_attempt(verdict=Verdict.CANCELLED, fault=Fault(FaultKind.CANCELLED), text="", work=WORK)
    (told,) = reply(payments(State.CANCELLED), stopped).messages
    assert "on branch `onequeue/42`" in said(told)
    lost = make_attempt(verdict=Verdict.LOST, fault=Fault(FaultKind.LOST), work=WORK)
    assert "on branch `onequeue/42`" in restart_notice(payments(State.QUEUED), lost, "the bot stopped").text


def test_much_work_is_cut_and_counted_beside_the_longest_answer() -> None:
    lines = [f" {n:02}-{'&' * 60} | 2 +-" for n in range(20)]
    work = Work("onequeue/42", "\n".join([*lines, " ...", " 60 files changed, 60 insertions(+)"]))
    told = work_told(payments(), work)
    assert told.endswith("…\n60 files changed, 60 insertions(+)\n```")
    assert len(told) < 1_700
    asked = payments(attempt=9, requester="UANA00001", cost_micro_usd=1_000_000)
    attempt = make_attempt(9, text="x " * 5_400, work=work, said_micro_usd=1_000_000, ran_model="m" * 120)
    for message in reply(asked, attempt).messages:
        fits(message)


@given(names, st.lists(names, max_size=30), st.sampled_from(Kept))
def test_whatever_files_are_called_nobody_is_pinged_and_no_block_is_broken(
    branch: str, files: list[str], kept: Kept
) -> None:
    diffstat = "\n".join([*(f" {file} | 2 +-" for file in files), " 1 file changed"])
    attempt = make_attempt(work=Work(branch, diffstat, kept))
    told = work_told(payments(), attempt.work or WORK)
    assert told.count("```") == 2
    for message in (card(payments(), [attempt], NOON), *reply(payments(), attempt).messages):
        fits(message)
        check(message)
        assert [target for target in pings(message) if target != "UANA00001"] == []


def test_a_task_is_shown_with_its_project_its_work_and_both_costs() -> None:
    attempt = make_attempt(work=WORK, said_micro_usd=1_020_000)
    shown = texts.shown(payments(), [attempt])
    assert shown.startswith("*#42 · p3 · Opus · payments · done*")
    assert "· Claude Code itself says $1.02; booked is $0.93 from the API's own usage · " in shown
    assert shown.endswith(f"work on `onequeue/42` · {COUNT}")
    assert texts.receipt(payments(), created=True) == "Queued as #42 · p3 · Opus · payments"
    assert texts.receipt(task(), created=True) == "Queued as #42 · p3 · Opus"


def test_json_and_terminal_have_all_of_it() -> None:
    attempt = make_attempt(work=replace(WORK, kept=Kept.PUSHED), said_micro_usd=1_020_000)
    record = attempt_record(attempt)
    assert record["work"] == {"branch": "onequeue/42", "diffstat": DIFFSTAT, "kept": "pushed"}
    assert (record["said_micro_usd"], record["disputed"]) == (1_020_000, True)
    bare = attempt_record(make_attempt())
    assert (bare["work"], bare["said_micro_usd"], bare["disputed"]) == (None, None, False)
    printed = PRINTERS["show"](full_record(payments(), [attempt], []), UTC)
    assert "\nproject payments, p3 -> Opus, " in printed
    assert "\nClaude Code itself says $1.02; booked is $0.93 from the API's own usage\n" in printed
    lines = ["work on branch onequeue/42, pushed to origin", *DIFFSTAT.replace("\n ", "\n").split("\n")]
    assert "\n  ".join(lines) in printed
    assert full_record(task(), [], [])["project"] is None


@pytest.mark.parametrize(
    ("said_micro_usd", "unpriced", "line"),
    [
        (None, 0, ""),
        (930_000, 0, ""),
        (939_000, 0, ""),
        (520_000, 0, "Claude Code itself says $0.52; booked is $0.93 from the API's own usage"),
        (520_000, 1, ""),
    ],
)
def test_the_receipt_says_where_a_runtime_names_another_cost(
    said_micro_usd: int | None, unpriced: int, line: str
) -> None:
    attempt = make_attempt(said_micro_usd=said_micro_usd, unpriced=unpriced)
    receipt, *more = footer(payments(), attempt).split("\n")
    assert ("$0.93" in receipt, more) == (True, [line] if line else [])
    assert attempt.cost_micro_usd == 930_000


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_two_amounts_are_told_apart(one: int, other: int) -> None:
    first, second = told_apart(one, other)
    assert (first == second) is (one == other)


def test_small_amounts_are_told_apart_exactly() -> None:
    assert told_apart(471_000, 474_900) == ("$0.471000", "$0.474900")
    assert told_apart(520_000, 470_000) == ("$0.52", "$0.47")


def test_what_a_period_cost_says_how_many_sessions_disagree() -> None:
    record = cost_record("today", [], [42, 42, 7])
    assert record["disputed"] == [42, 42, 7]
    assert PRINTERS["cost"](record, UTC).endswith(
        "3 sessions whose runtime names another cost than was booked: #7, #42"
    )
    assert "sessions" not in PRINTERS["cost"](cost_record("today", []), UTC)


def test_a_quiet_channel_sees_no_project_and_no_files() -> None:
    busy = running(progress="reading salaries.txt of payments", doing="reading 3 files", work=None)
    hidden, attempts = hushed(payments(State.RUNNING), [busy])
    shown = card(hidden, attempts, NOON)
    assert "reading 3 files" in said(shown)
    done, (ended,) = hushed(payments(), [make_attempt(work=replace(WORK, diff="-a"))])
    assert ended.work is not None
    assert ended.work.diff == ""
    everything = [shown, card(done, [ended], NOON), *reply(done, ended).messages]
    for message in everything:
        assert [name for name in ("payments", "salaries", "limit.py") if name in said(message)] == []
        assert "payments" not in message.text
    assert f"on branch `onequeue/42` in the repository; nothing was pushed.\n```\n{COUNT}\n```" in said(
        everything[-1]
    )


def test_a_quiet_channel_is_sent_to_the_private_answer_for_what_may_name_a_path() -> None:
    broke = failed(FaultKind.INVALID_REQUEST, detail="payments gives no worktree: /srv/payments is locked")
    hidden, (attempt,) = hushed(payments(State.FAILED), [broke])
    told = said(reply(hidden, attempt).messages[0])
    assert "/task show 42 says more, to you alone" in told
    assert "/srv" not in told
    _, (limited,) = hushed(payments(), [failed(FaultKind.OVER_BUDGET, detail="all")])
    assert limited.fault == Fault(FaultKind.OVER_BUDGET, "all")
    assert hushed(task(), [broke])[1][0].fault == broke.fault, "there is no project to name"


@pytest.mark.parametrize(
    ("diffstat", "count"),
    [(DIFFSTAT, COUNT), ("", ""), ("a.py | 2 +-", ""), ("1 file changed", "1 file changed")],
)
def test_only_the_count_of_files_is_taken_for_it(diffstat: str, count: str) -> None:
    assert counted_files(Work("b", diffstat)) == count
    assert in_short(Work("b", diffstat)) == " · ".join(part for part in ("work on `b`", count) if part)
