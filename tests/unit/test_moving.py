"""What a person's move makes of a task, and what its card offers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views.offers import Action, Offer, on_card, on_thumbs, row
from dispatch.moving import above, again, anew, learnt, left_behind, one_tier_up, rank, reprioritised
from dispatch.policy import FRONT, URGENT
from dispatch.routing import DEFAULT_TABLE, PRIORITIES
from dispatch.states import TERMINAL, State
from dispatch.task import HoldKind, Route, Task, Tier, Verdict
from tests.fakes.values import NOON, make_task
from tests.unit.messages import make_attempt

DOLLAR = 1_000_000
priorities = st.sampled_from(PRIORITIES)
SCRIPT = Route(Tier.SCRIPT, "", "script status", 0)


def labels(task: Task) -> list[str]:
    return [offer.label for offer in on_card(task, DEFAULT_TABLE)]


@given(priorities, priorities, st.integers(0, 9))
def test_what_was_gained_with_age_stays_and_no_age_outranks_the_urgent(was: int, now: int, aged: int) -> None:
    task = make_task(1, was, rank=max(was - aged, min(was, FRONT)))
    found = rank(task, now)
    assert found <= now
    assert found >= min(now, FRONT)
    assert found > URGENT or now <= URGENT
    assert rank(task, was) == task.rank


@given(priorities, priorities, st.integers(0, 9))
def test_more_urgent_is_never_further_back(was: int, now: int, aged: int) -> None:
    task = make_task(1, was, rank=max(was - aged, min(was, FRONT)))
    if now > 1:
        assert rank(task, now - 1) <= rank(task, now)


def test_another_priority_routes_again_unless_a_tier_was_asked_for() -> None:
    task = make_task(1, 7)
    assert reprioritised(task, 4, DEFAULT_TABLE).tier is Tier.OPUS
    asked = replace(task, asked_model="haiku", asked_cap_micro_usd=5)
    decided = reprioritised(asked, 1, DEFAULT_TABLE)
    assert (decided.tier, decided.cap_micro_usd, decided.reason) == (Tier.HAIKU, 5, "Haiku as asked")
    script = replace(task, script="status", route=SCRIPT)
    assert reprioritised(script, 1, DEFAULT_TABLE) is SCRIPT


def test_the_next_better_tier() -> None:
    assert above(Tier.HAIKU, DEFAULT_TABLE) is Tier.SONNET
    assert above(Tier.SONNET, DEFAULT_TABLE) is Tier.OPUS
    assert above(Tier.OPUS, DEFAULT_TABLE) is None
    assert above(Tier.SCRIPT, DEFAULT_TABLE) is None


@pytest.mark.parametrize(
    ("asked", "cost", "cap", "may_cost"),
    [
        (None, 0, None, 3 * DOLLAR),
        (None, DOLLAR, 4 * DOLLAR, 4 * DOLLAR),
        (2 * DOLLAR, DOLLAR, 2 * DOLLAR, 2 * DOLLAR),
        (DOLLAR, DOLLAR, 4 * DOLLAR, 4 * DOLLAR),
    ],
    ids=["unspent", "its tier's", "its own holds", "its own is used"],
)
def test_one_tier_up_has_a_cap_that_leaves_room(
    asked: int | None, cost: int, cap: int | None, may_cost: int
) -> None:
    task = make_task(1, 9, state=State.FAILED, asked_cap_micro_usd=asked, cost_micro_usd=cost)
    decided, asked_cap = one_tier_up(task, Tier.SONNET, DEFAULT_TABLE)
    assert (asked_cap, decided.cap_micro_usd) == (cap, may_cost)
    assert decided.reason == "Haiku failed, retried on Sonnet"


def test_an_answered_task_is_asked_again_as_a_new_one_for_who_asks() -> None:
    task = make_task(42, 9, state=State.DONE, project="shop")
    attempt = make_attempt(text="It is tidy.\nAll of it.", ran_model="claude-haiku-5-5")
    new = again(task, Tier.SONNET, attempt, "USAM00001")
    assert (new.request_key, new.requester, new.parent) == ("tier-up:42", "USAM00001", 42)
    assert (new.thread, new.channel, new.project) == (task.thread, task.channel, "shop")
    assert new.words.startswith("investigate stall\n\nAn earlier session on claude-haiku-5-5 came to")
    assert new.words.endswith("\n> It is tidy.\n> All of it.")
    assert again(task, Tier.SONNET, replace(attempt, text=""), "USAM00001").words == "investigate stall"
    assert anew(task, Tier.SONNET, DEFAULT_TABLE).reason == "#42 again, one tier up from Haiku"


@given(st.text(max_size=20_000))
def test_what_was_learnt_is_a_quotation_that_cannot_end_itself(text: str) -> None:
    _, *quoted = learnt(make_attempt(text=text)).split("\n")
    assert all(line.startswith("> ") for line in quoted)
    assert len("\n".join(quoted)) <= 8_000 + 3 * len(quoted)


def test_only_what_another_model_left_unfinished_is_told() -> None:
    task = make_task(1, 6, state=State.RUNNING)
    half = make_attempt(model="claude-haiku-5-5", ran_model=None, verdict=Verdict.FAILED, text="Half.")
    assert "> Half." in left_behind(task, [half])
    assert left_behind(task, [replace(half, model=task.route.model)]) == ""
    assert left_behind(task, [replace(half, text=" ")]) == ""
    assert left_behind(task, [replace(half, verdict=Verdict.LOST)]) == ""
    assert left_behind(task, []) == ""


def test_a_queued_task_offers_each_move_with_what_it_would_come_to() -> None:
    assert labels(make_task(1, 5)) == ["Bump to p4, Opus", "Lower to p6", "Hold", "Cancel"]
    assert labels(make_task(1, 1)) == ["Lower to p2", "Hold", "Cancel"]
    assert labels(make_task(1, 10)) == ["Bump to p9", "Hold", "Cancel"]
    asked = replace(make_task(1, 5), asked_model="sonnet")
    assert labels(asked)[0] == "Bump to p4"


@pytest.mark.parametrize("hold", list(HoldKind))
def test_a_held_task_offers_what_ends_its_wait(hold: HoldKind) -> None:
    assert (
        labels(make_task(1, 5, state=State.HELD, hold=hold))
        == {
            HoldKind.RETRY: ["Cancel"],
            HoldKind.BUDGET: ["Run on Haiku", "Wait", "Cancel"],
            HoldKind.PERSON: ["Release", "Cancel"],
        }[hold]
    )


def test_whatever_has_not_ended_can_be_given_up_on_its_card() -> None:
    for state in set(State) - TERMINAL:
        hold = HoldKind.RETRY if state is State.HELD else None
        last = labels(make_task(1, 5, state=state, hold=hold))[-1]
        assert last == ("Stop" if state is State.RUNNING else "Cancel")


def test_a_running_task_offers_to_be_stopped_once_after_a_question() -> None:
    task = make_task(1, 5, state=State.RUNNING)
    assert labels(task) == ["Stop"]
    assert labels(replace(task, cancel_asked=True)) == []
    (block,) = row(task, on_card(task, DEFAULT_TABLE))
    (button,) = block["elements"]
    assert button["confirm"]["deny"]["text"] == "Let it run"
    (held,) = row(task, [Offer(Action.HOLD, "Hold")])
    assert "confirm" not in held["elements"][0]


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_an_ended_task_offers_another_run_where_one_is_to_be_had(state: State) -> None:
    ended = make_task(1, 6, state=state, finished_at=NOON)
    again = ["Follow up"] if state is State.DONE else ["Retry"]
    assert labels(ended) == [*again, "One tier up: Opus"]
    costly = replace(ended, cost_micro_usd=99 * DOLLAR)
    assert labels(costly) == [*(again if state is State.DONE else []), "One tier up: Opus"]
    assert "Follow up" not in labels(replace(ended, channel=""))
    assert labels(make_task(1, 1, state=state, finished_at=NOON)) == again
    assert labels(replace(ended, forgotten=True)) == []
    assert labels(replace(ended, script="status", route=SCRIPT)) == []


def test_thumbs_say_which_task_and_which_way() -> None:
    block = on_thumbs(make_task(42))
    (thumbs,) = block["elements"]
    assert (thumbs["positive_button"]["value"], thumbs["negative_button"]["value"]) == ("42 up", "42 down")


def test_a_follow_up_that_is_asked_again_still_knows_what_it_follows() -> None:
    task = make_task(2, state=State.DONE, parent=1, quote_thread=True, message="17.2")
    new = again(task, Tier.SONNET, make_attempt(text="7."), "UANA00001")
    assert (new.parent, new.quote_thread, new.message) == (2, True, "17.2")
