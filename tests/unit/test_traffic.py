"""Who goes to Slack when: posts by channel, edits by card and workspace, ends before progress."""

from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush

from hypothesis import given
from hypothesis import strategies as st

from bot.traffic import EDIT_PACE, PROGRESS_PACE, Traffic, Way, way
from dispatch.delivery import Delivery, DeliveryKind
from tests.fakes.values import NOON

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
NOW = timedelta(0)


def delivery(
    key: str = "k",
    kind: DeliveryKind = DeliveryKind.ANSWER,
    channel: str = "C1",
    message: str | None = None,
    weight: int = 0,
    in_doubt: bool = False,
) -> Delivery:
    return Delivery(
        id=1,
        key=key,
        kind=kind,
        task_id=1,
        attempt=1,
        channel=channel,
        thread=None,
        person=None,
        body="",
        weight=weight,
        message=message,
        revision=1,
        parts_sent=0,
        tries=0,
        in_doubt=in_doubt,
        due_at=NOON,
    )


def edit(key: str = "card", weight: int = 1) -> Delivery:
    return delivery(key, DeliveryKind.CARD, message="17.1", weight=weight)


def test_a_question_is_edited_once_it_is_told() -> None:
    assert way(delivery(kind=DeliveryKind.QUESTION)) is Way.POST
    assert way(delivery(kind=DeliveryKind.QUESTION, message="17.1")) is Way.EDIT


def test_each_delivery_has_its_way() -> None:
    assert way(delivery()) is Way.POST
    assert way(delivery(kind=DeliveryKind.CARD)) is Way.POST
    assert way(edit()) is Way.EDIT
    assert way(delivery(kind=DeliveryKind.WHISPER)) is Way.WHISPER
    assert way(delivery(kind=DeliveryKind.ANSWER, message="17.1")) is Way.POST, "the rest of a long answer"


def test_posts_of_one_channel_go_a_second_apart_and_others_do_not_wait_for_them() -> None:
    traffic = Traffic()
    assert [traffic.wait(delivery(key), NOON) for key in "abc"] == [NOW, SECOND, 2 * SECOND]
    assert traffic.wait(delivery("d", channel="C2"), NOON) == NOW
    assert traffic.wait(delivery("b"), NOON + SECOND) == NOW


def test_a_later_part_goes_before_those_who_wait() -> None:
    traffic = Traffic()
    assert [traffic.wait(delivery(key), NOON) for key in "ab"] == [NOW, SECOND]
    assert traffic.before_others("C1", NOON) == SECOND
    assert traffic.wait(delivery("b"), NOON + SECOND) == SECOND


def test_what_is_posted_out_of_turn_counts() -> None:
    traffic = Traffic()
    traffic.posted("C1", NOON)
    assert traffic.wait(delivery(), NOON) == SECOND


def test_a_card_shows_progress_each_three_seconds_and_its_end_at_once() -> None:
    traffic = Traffic()
    assert traffic.wait(edit(), NOON) == NOW
    assert traffic.wait(edit(), NOON + SECOND) == 2 * SECOND
    assert traffic.wait(edit("other"), NOON + SECOND) == NOW
    assert traffic.wait(edit(weight=0), NOON + SECOND) == NOW
    assert traffic.wait(edit(), NOON + 3 * SECOND) == SECOND, "an end is an edit too"


def test_progress_leaves_room_for_ends() -> None:
    traffic = Traffic()
    (ends, _), (shown, _) = EDIT_PACE, PROGRESS_PACE
    progress = [traffic.wait(edit(f"p{n}"), NOON) for n in range(shown + 5)]
    assert progress == [NOW] * shown + [MINUTE] * 5
    finals = [traffic.wait(edit(f"e{n}", weight=0), NOON) for n in range(ends)]
    assert finals == [NOW] * (ends - shown) + [MINUTE] * shown
    assert traffic.wait(edit("p0"), NOON + 3 * SECOND) > MINUTE - 4 * SECOND, "behind the ends that wait"


def test_a_refused_edit_stops_every_edit_and_the_refused_end_goes_first() -> None:
    traffic = Traffic()
    traffic.close(Way.EDIT, edit("e1", weight=0), NOON, 30 * SECOND)
    for waiting in (edit("e2", weight=0), edit("p")):
        assert traffic.wait(waiting, NOON) == 30 * SECOND
    assert traffic.wait(delivery(), NOON) == NOW
    assert traffic.wait(edit("e1", weight=0), NOON + 30 * SECOND) == NOW


def test_a_refused_post_stops_its_channel_only_and_keeps_its_place() -> None:
    traffic = Traffic()
    assert [traffic.wait(delivery(key), NOON) for key in "ab"] == [NOW, SECOND]
    traffic.close(Way.POST, delivery("a"), NOON, 10 * SECOND)
    assert traffic.wait(delivery("b"), NOON + SECOND) == 10 * SECOND
    assert traffic.wait(delivery("z", channel="C2"), NOON) == NOW
    assert traffic.wait(delivery("a"), NOON + 10 * SECOND) == NOW


def test_a_refused_whisper_stops_whispers() -> None:
    traffic, whisper = Traffic(), delivery(kind=DeliveryKind.WHISPER)
    assert traffic.wait(whisper, NOON) == NOW
    traffic.close(Way.WHISPER, whisper, NOON, 5 * SECOND)
    assert traffic.wait(whisper, NOON + SECOND) == 4 * SECOND


def test_while_nothing_can_be_looked_for_only_what_is_in_doubt_waits() -> None:
    traffic, doubtful = Traffic(), delivery("a", in_doubt=True)
    traffic.close(Way.LOOK, doubtful, NOON, 5 * SECOND)
    assert traffic.wait(doubtful, NOON) == 5 * SECOND
    assert traffic.wait(delivery("b"), NOON) == NOW
    assert traffic.wait(doubtful, NOON + 5 * SECOND) == NOW


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(0, 1), st.integers(0, 40)), min_size=1, max_size=150
    )
)
def test_edits_keep_within_the_workspace_and_all_of_them_go(arrivals: list[tuple[int, int, int]]) -> None:
    traffic = Traffic()
    due = [
        (NOON + timedelta(milliseconds=at), n, edit(f"{card}:{weight}", weight))
        for n, (at, weight, card) in enumerate(arrivals)
    ]
    heapify(due)
    went: list[tuple[datetime, Delivery]] = []
    turns = 0
    while due and (turns := turns + 1) < 100 * len(arrivals):
        now, number, what = heappop(due)
        if wait := traffic.wait(what, now):
            heappush(due, (now + wait, number, what))
        else:
            went.append((now, what))
    assert len(went) == len(arrivals)
    most, window = EDIT_PACE
    for (earlier, _), (later, _) in zip(went, went[most:], strict=False):
        assert later - earlier >= window
    shown = [at for at, what in went if what.weight]
    for earlier, later in zip(shown, shown[PROGRESS_PACE[0] :], strict=False):
        assert later - earlier >= PROGRESS_PACE[1]
    ends = [at for at, what in went if not what.weight]
    kept_for_ends = most - PROGRESS_PACE[0]
    assert max(ends, default=NOON) <= NOON + 5 * SECOND + MINUTE * (1 + len(ends) // kept_for_ends)
