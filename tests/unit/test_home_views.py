"""The Home tab as values: within Slack's limits whatever people wrote, and silent on what is not for all."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.rehearsal.slack.views import check_view
from bot.views import gate
from bot.views.day import Day, bar, money
from bot.views.home import Board, Home, Seated, home, shut_out
from bot.views.looks import PAGE, Filter, Look, Page, Part, page_of, read, written
from bot.views.message import Message
from bot.views.rows import Row, row_blocks
from dispatch.budget import Budgets, Standing
from dispatch.faults import FaultKind
from dispatch.gates import Gate, GateState
from dispatch.pauses import Paused
from dispatch.ports import Spending
from dispatch.questions import Question, QuestionKind
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import TERMINAL, State
from dispatch.task import Attempt, Task, Tier
from tests import slackshapes
from tests.fakes.outlooks import make_outlook
from tests.fakes.values import NOON, make_task

ANA, SAM = "UANA00001", "USAM00001"
ODD = st.one_of(
    st.text(min_size=1, max_size=60),
    st.sampled_from(["🧨" * 400, "<!channel> @here <@USAM00001>", "&" * 400, "*_~`" * 100, '\\"' * 300]),
)
LONG = "🧨" * 400
NOTHING = Standing({}, {}, NOON + timedelta(hours=12))


def make_question(task: Task, kind: QuestionKind, text: str, options: tuple[str, ...]) -> Question:
    return Question(
        id=task.id,
        task_id=task.id,
        attempt=1,
        kind=kind,
        text=text,
        reason="",
        options=options,
        person=None,
        route=None,
        asked_at=NOON,
        deadline=NOON + timedelta(hours=4),
        ended_at=None,
        ending=None,
        answer=None,
        key=None,
        told=False,
    )


def make_attempt(task: Task, progress: str) -> Attempt:
    return Attempt(
        task_id=task.id,
        number=1,
        model="m",
        started_at=NOON,
        ended_at=None,
        verdict=None,
        fault=None,
        ran_model=None,
        text="",
        progress=progress,
        cost_micro_usd=0,
        unpriced=0,
        prompt_tokens=0,
        output_tokens=0,
    )


def make_board(rows: Sequence[Row], look: Look = Look(), **changes: object) -> Board:  # noqa: B008
    tasks = [row.task for row in rows]
    asking = {row.task.id for row in rows if row.question}
    waiting = [task for task in tasks if task.state not in TERMINAL]
    ended = [task for task in tasks if task.state in TERMINAL]
    board = Board(
        person=ANA,
        look=look,
        page=page_of(waiting, ended, asking, ANA, look),
        rows=rows,
        day=Day([], NOTHING, Budgets(), {}),
        gates=[],
        table=DEFAULT_TABLE,
    )
    return replace(board, **changes)  # type: ignore[arg-type]


def checked(found: Home) -> str:
    """The words of a Home that Slack would take and that pings nobody."""
    view = {"type": "home", "blocks": list(found.blocks), "private_metadata": found.metadata}
    check_view(view, "home")
    slackshapes.check_view(view)
    gate.check(Message("", found.blocks))
    return json.dumps(view, ensure_ascii=False)


@given(
    st.lists(
        st.tuples(ODD, ODD, st.sampled_from(State), st.sampled_from(QuestionKind), st.booleans()), max_size=30
    ),
    ODD,
)
@example([(LONG, LONG, State.QUEUED, QuestionKind.QUESTION, False)] * PAGE, LONG)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_the_longest_page_of_the_oddest_words_is_within_slacks_limits(
    given_rows: list[tuple[str, str, State, QuestionKind, bool]], name: str
) -> None:
    rows = []
    for number, (words, more, state, kind, hidden) in enumerate(given_rows * 3, start=1):
        theirs = ANA if not hidden else SAM
        task = make_task(number, words=words, state=state, project=more, requester=theirs, expires_at=NOON)
        question = make_question(task, kind, more, (more, words, "c", "d", "e")) if not hidden else None
        rows.append(
            Row(task, hidden, make_attempt(task, more), question, make_outlook(), link="https://x.y/z")
        )
    gates = [Gate(tier, GateState.CLOSED, FaultKind.RATE_LIMITED, name, 1, NOON, NOON) for tier in Tier]
    board = make_board(
        rows,
        Look(Filter.ALL, "C123"),
        gates=gates,
        notice="Done.",
        seats=[Seated(tier, 1, 64) for tier in Tier],
        default_priority=5,
        is_cut=True,
        paused=Paused("USAM00001", NOON),
    )
    checked(home(board, lambda _: name))


def test_what_is_not_for_them_is_told_by_number_alone() -> None:
    task = make_task(7, words="the merger", requester=SAM, project="acquisition", state=State.RUNNING)
    row = Row(task, hidden=True, last=make_attempt(task, "reading the merger.pdf"))
    said = checked(home(make_board([row], Look(Filter.ALL)), lambda _: "sam"))
    assert "*#7 · p5 · Sonnet · running*\\n_asked in private_" in said
    assert not any(word in said for word in ("merger", "acquisition", "sam"))


@given(st.builds(Look, st.sampled_from(Filter), st.sampled_from(["", "C123", "D0AB1"]), st.integers(0, 99)))
def test_a_look_comes_back_as_it_was(look: Look) -> None:
    assert read(written(look)) == look


@given(
    st.one_of(st.none(), st.text(), st.integers(), st.just('{"filter":"mine","channel":"<!here>","page":-1}'))
)
def test_what_is_no_look_of_ours_is_the_first_one(metadata: object) -> None:
    assert read(metadata) == Look()


@given(st.integers(0, 90), st.integers(0, 200))
def test_every_task_is_on_one_page(count: int, page: int) -> None:
    tasks = [make_task(number, requester=ANA) for number in range(1, count + 1)]
    first = page_of(tasks, [], (), ANA, Look())
    pages = [page_of(tasks, [], (), ANA, Look(page=number)) for number in range(first.pages)]
    assert [task for one in pages for _, task in one.tasks] == tasks
    assert all(len(one.tasks) <= PAGE for one in pages)
    assert page_of(tasks, [], (), ANA, Look(page=page)).number == min(page, first.pages - 1)


def test_parts_stand_in_order_and_the_newest_end_first() -> None:
    def ended(number: int, minutes: int) -> Task:
        return make_task(number, state=State.DONE, finished_at=NOON + timedelta(minutes=minutes))

    waiting = [
        make_task(1),
        make_task(2, state=State.HELD),
        make_task(3, state=State.RUNNING),
        make_task(4, state=State.WAITING),
        make_task(5, state=State.WAITING, requester=SAM),
    ]
    page: Page = page_of(waiting, [ended(6, 1), ended(7, 2)], {4, 5}, ANA, Look(Filter.ALL))
    assert [(part, task.id) for part, task in page.tasks] == [
        (Part.ASKS, 4),
        (Part.RUNNING, 3),
        (Part.QUEUED, 1),
        (Part.HELD, 2),
        (Part.HELD, 5),
        (Part.ENDED, 7),
        (Part.ENDED, 6),
    ]


def test_what_ended_while_it_was_read_is_there_once() -> None:
    was, ended = make_task(7, state=State.RUNNING), make_task(7, state=State.DONE, finished_at=NOON)
    assert page_of([was, make_task(8)], [ended], (), ANA, Look()).tasks == [
        (Part.QUEUED, make_task(8)),
        (Part.ENDED, ended),
    ]


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_bar_is_empty_or_full_only_where_that_is_so(spent: int, limit: int) -> None:
    shown = bar(spent, limit)
    assert len(shown) == 10
    assert ("▓" in shown) == (spent > 0)
    assert ("░" in shown) == (spent < limit)


@pytest.mark.parametrize(
    ("budgets", "channel", "said"),
    [
        (
            Budgets(),
            "",
            "*Today* $3.00 + 1 unpriced request · $2.00 reserved by running tasks\nOpus $3.00 + 1",
        ),
        (Budgets(everybody=10_000_000), "", "▓▓▓░░░░░░░ *Today* $3.00 + 1 unpriced request of $10.00"),
        (Budgets(tiers={Tier.HAIKU: 1_000_000}), "", "░░░░░░░░░░ Haiku $0.00 of $1.00"),
        (Budgets(person=5_000_000), "", "▓▓▓▓░░░░░░ You $2.00 of $5.00"),
        (Budgets(channel=2_000_000), "C1", "▓▓▓▓▓░░░░░ This channel $1.00 of $2.00"),
    ],
)
def test_todays_money_stands_against_each_budget(budgets: Budgets, channel: str, said: str) -> None:
    spent = {"all": 3_000_000, f"person:{ANA}": 2_000_000, f"person:{SAM}": 1, "channel:C1": 1_000_000}
    day = Day(
        [Spending(Tier.OPUS, 2, 3_000_000, 1)],
        replace(NOTHING, spent=spent, reserved={"all": 2_000_000}),
        budgets,
        {},
    )
    assert said in money(day, ANA, channel)
    assert SAM not in money(day, ANA, channel)


def test_what_no_price_is_known_of_is_no_zero_in_ones_own_line() -> None:
    spent = replace(NOTHING, spent={"channel:C1": 1_000_000})
    unpriced = {f"person:{ANA}": 1, f"person:{SAM}": 7, "channel:C1": 2}
    day = Day([], spent, Budgets(person=5_000_000, channel=2_000_000), unpriced)
    assert money(day, ANA, "C1").split("\n")[-3:-1] == [
        "░░░░░░░░░░ You unpriced of $5.00",
        "▓▓▓▓▓░░░░░ This channel $1.00 + 2 unpriced requests of $2.00",
    ]


def test_whoever_may_not_read_is_told_why() -> None:
    assert "Not shown: ask sam." in checked(shut_out("Not shown: ask sam.", Look()))


def test_who_follows_another_is_not_called_cancelled() -> None:
    task = make_task(7, 3, state=State.CANCELLED, follows=3, finished_at=NOON)
    text = str(row_blocks(Row(task), DEFAULT_TABLE, lambda _: "", theirs=True))
    assert "*#7 · p3 · Opus · follows #3*" in text
    assert "cancelled" not in text


@pytest.mark.parametrize(("hours", "has_day"), [(23, False), (24, True)])
def test_a_question_that_waits_for_a_day_or_longer_names_the_day(hours: int, has_day: bool) -> None:
    task = make_task(1, 3, state=State.WAITING)
    question = make_question(task, QuestionKind.QUESTION, "Which?", ())
    asked = replace(question, deadline=NOON + timedelta(hours=hours))
    text = str(row_blocks(Row(task, question=asked), DEFAULT_TABLE, lambda _: "", theirs=True))
    assert "It waits until" in text
    assert ("{date_short_pretty}" in text) is has_day
