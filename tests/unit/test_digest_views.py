"""The digest as Slack shows it: what it points at, whom it names, and how long it may get."""

import json
from datetime import date, timedelta

import pytest

from bot.records import digest_record
from bot.views import gate
from bot.views.bulletin import bulletin
from bot.views.comparison import comparison
from bot.views.findings import findings, unusual
from dispatch.digest import DayBar, Digest, Money, PartyLine, TierLine, Waste, WasteLine
from dispatch.editions import Before, Edition
from dispatch.findings import Findings, Outlier, Pace, Regrets, Wait
from dispatch.states import State
from dispatch.task import MODEL_TIERS, Tier
from tests.fakes.values import make_task

DAY = date(2026, 11, 22)
DOLLAR = 1_000_000
PINGING = "<!channel> *x* @here |\n`"


def digest(**changes: object) -> Digest:
    """A day of one answered task, changed as said."""
    day: dict[str, object] = {
        "first": DAY,
        "last": DAY,
        "total": Money(DOLLAR),
        "tiers": (TierLine(Tier.OPUS, 1, Money(DOLLAR)),),
        "ended": {State.DONE: 1},
        "open": 0,
        "dearest": (),
        "undelivered": Money(),
        "undelivered_attempts": 0,
        "all_opus_micro_usd": DOLLAR,
        "compared_micro_usd": DOLLAR,
        "chart": (),
    }
    return Digest(**{**day, **changes})  # type: ignore[arg-type]


def said(told: Digest, names: dict[str, str] | None = None) -> str:
    return "\n".join([*unusual(told, names), *findings(told, names)])


def test_a_day_like_any_other_says_nothing_more() -> None:
    assert said(digest()) == ""
    quick = Wait(3, 2, timedelta(seconds=2), timedelta(seconds=59), 7)
    few = Regrets(overridden=(1,), routed=2)
    assert said(digest(findings=Findings(regrets=few, waits=(quick,))), {}) == ""


def test_what_needs_a_look_comes_first() -> None:
    far = (Outlier(DAY, "all", 31 * DOLLAR, 10 * DOLLAR), Outlier(DAY, "tier:opus", 20 * DOLLAR, 8 * DOLLAR))
    told = digest(
        total=Money(DOLLAR, 3),
        blamed={State.FAILED: (391, 388), State.PARKED: (7,), State.EXPIRED: ()},
        findings=Findings(outliers=far),
    )
    assert said(told) == (
        "*Needs a look:* 2 failed (#388, #391), 1 parked (#7), 3 requests of unknown price, in no sum, "
        "the whole day cost $31.00, usually $10.00, Opus cost $20.00, usually $8.00"
    )


def test_where_a_digest_covers_many_days_the_unusual_one_is_dated() -> None:
    far = (Outlier(DAY, "all", 31 * DOLLAR, 10 * DOLLAR),)
    told = digest(first=DAY - timedelta(days=2), findings=Findings(outliers=far))
    assert "the whole day cost $31.00 on 22 November, usually $10.00" in said(told)


def test_people_and_channels_are_named_only_where_they_may_be() -> None:
    far = (
        Outlier(DAY, "person:U1", 9 * DOLLAR, DOLLAR),
        Outlier(DAY, "channel:C1", 9 * DOLLAR, DOLLAR),
    )
    told = digest(
        people=(PartyLine("U1", 2, Money(DOLLAR)),),
        channels=(PartyLine("C1", 1, Money(DOLLAR)), PartyLine("", 1, Money(0, 1))),
        findings=Findings(outliers=far),
    )
    assert said(told) == ""
    public = json.dumps(bulletin(told, {}, so_far=False).blocks)
    assert "U1" not in public
    assert "C1" not in public
    assert said(told, {"U1": "ana", "C1": "#ops"}) == (
        "*Needs a look:* ana cost $9.00, usually $1.00, #ops cost $9.00, usually $1.00\n"
        "By person: ana $1.00 (2 tasks).\n"
        "By channel: #ops $1.00 (1 task), no channel unpriced (1 task)."
    )


def test_those_that_are_not_named_are_summed() -> None:
    people = tuple(PartyLine(f"U{number}", 1, Money(DOLLAR)) for number in range(11))
    assert said(digest(people=people), {}).endswith("U7 $1.00 (1 task), 3 others $3.00.")


@pytest.mark.parametrize(
    ("opus", "left_out", "line"),
    [
        (5 * DOLLAR, 0, "All on Opus it would have been $5.00: routing saved $4.00."),
        (
            5 * DOLLAR,
            2,
            "All on Opus it would have been $5.00: routing saved $4.00 (2 requests without a price left "
            "out).",
        ),
        (DOLLAR // 2, 0, "All on Opus it would have been $0.50: routing cost $0.50 more."),
    ],
)
def test_savings_are_against_what_the_same_requests_cost(opus: int, left_out: int, line: str) -> None:
    assert said(digest(all_opus_micro_usd=opus, uncompared=left_out)) == line


def test_regrets_come_with_their_tasks_and_both_prices() -> None:
    regrets = Regrets((371, 380, 402), 2_700_000, 540_000, 5, (41, 44), tuple(range(1, 8)), 50)
    assert said(digest(findings=Findings(regrets=regrets))) == (
        "3 Opus tasks ended in under a minute with under 2k tokens out (#371, #380, #402): $2.70, on Sonnet "
        "$0.54. Try p5.\n"
        "2 Haiku tasks failed and had to run again (#41, #44).\n"
        "Overrides were 14 % (#1, #2, #3, #4, #5 and 2 more): `model=` was set against the priority, so the "
        "priorities may be off."
    )


def test_money_without_an_answer_says_why() -> None:
    waste = (
        WasteLine(Waste.FAILED, 2, Money(DOLLAR)),
        WasteLine(Waste.AGAIN, 1, Money(0, 1)),
    )
    told = digest(undelivered=Money(DOLLAR, 1), undelivered_attempts=3, waste=waste)
    assert said(told) == (
        "Spent without an answer: $1.00 + 1 unpriced request: $1.00 in 2 attempts that failed, unpriced in "
        "1 attempt that had to run again."
    )


def test_waits_and_the_month_say_how_they_are_reckoned() -> None:
    wait = Wait(8, 3, timedelta(seconds=20), timedelta(minutes=41), 44)
    pace = Pace(DAY, 330 * DOLLAR, 10 * DOLLAR, 7, 100 * DOLLAR)
    assert said(digest(findings=Findings(waits=(wait,), pace=pace))) == (
        "Waited for a start, median and longest: p8 20 s, 41 min (#44).\n"
        "November at this pace: $410.00: $330.00 so far, then $10.00 a day, the mean of the last 7 days. "
        "The day's budget allows $3,000.00."
    )


def test_on_its_last_day_a_month_is_over() -> None:
    pace = Pace(date(2026, 11, 30), 330 * DOLLAR, 10 * DOLLAR, 7, 100 * DOLLAR)
    told = digest(findings=Findings(pace=pace))
    assert said(told) == "November came to $330.00. The day's budget allows $3,000.00."


def test_the_longest_digest_fits_into_a_message_and_pings_nobody() -> None:
    many = tuple(range(10**9, 10**9 + 1000))
    parties = tuple(PartyLine(f"U{number}", 10**6, Money(10**13, 10**6)) for number in range(1000))
    names = {party.name: PINGING * 20 for party in parties}
    waits = tuple(Wait(p, 9, timedelta(days=9), timedelta(days=99), 10**9) for p in range(1, 11))
    far = tuple(Outlier(DAY, f"person:U{number}", 10**13, 10**12) for number in range(100))
    task = make_task(10**9, words=PINGING * 200, state=State.DONE)
    told = digest(
        total=Money(10**13, 10**6),
        tiers=tuple(TierLine(tier, 10**6, Money(10**13, 10**6)) for tier in MODEL_TIERS),
        ended=dict.fromkeys(State, 10**6),
        blamed=dict.fromkeys((State.FAILED, State.PARKED, State.EXPIRED), many),
        dearest=((task, Money(10**13, 10**6)),) * 5,
        undelivered=Money(10**13, 10**6),
        waste=tuple(WasteLine(why, 10**6, Money(10**13, 10**6)) for why in Waste),
        all_opus_micro_usd=10**14,
        uncompared=10**6,
        chart=tuple(DayBar(DAY, dict.fromkeys(MODEL_TIERS, Money(10**12, 10**6))) for _ in range(14)),
        people=parties,
        channels=parties,
        disputed=many,
        findings=Findings(far, Regrets(many, 10**13, 10**12, 5, many, many, 1000), waits),
    )
    message = bulletin(told, {task.id: "https://x.slack.com/" + "y" * 80}, so_far=False, names=names)
    for version in (message, message.simpler):
        assert version is not None
        gate.check(version)
        assert len(version.blocks) <= 50
        assert len(json.dumps(version.blocks, ensure_ascii=False)) <= 13_200
        for block in version.blocks:
            assert block["type"] != "section" or len(block["text"]["text"]) <= 3_000


def test_a_week_is_held_against_the_week_before() -> None:
    before = Before({Tier.SONNET: Money(4 * DOLLAR)}, {State.DONE: 2, State.FAILED: 1})
    week = digest(first=DAY - timedelta(days=6))
    message = bulletin(week, {}, so_far=False, edition=Edition.WEEKLY, before=before)
    assert message.text.startswith("Week of 16 November to Sunday 22 November · $1.00")
    told = json.dumps(message.blocks, ensure_ascii=False)
    assert (
        "*Against the week before:* $1.00 after $4.00 (-75 %) · 1 ended after 3 · 1 answered after 2 · "
        "Opus $1.00 after $0.00 · Sonnet $0.00 after $4.00 (-100 %)"
    ) in told
    assert "Covers" not in told


@pytest.mark.parametrize(
    ("now", "was"), [(Money(DOLLAR, 1), Money(DOLLAR)), (Money(DOLLAR), Money(DOLLAR, 1))]
)
def test_no_change_is_reckoned_with_what_is_unknown(now: Money, was: Money) -> None:
    assert "%" not in comparison(digest(total=now), Before({Tier.OPUS: was}, {})).split(" · ")[0]


def test_two_weeks_without_anything_are_not_compared() -> None:
    nothing = digest(total=Money(), tiers=(), ended={})
    assert comparison(nothing, Before({}, {})) == ""
    assert comparison(nothing, Before({}, {State.DONE: 1})) != ""


def test_a_channels_own_digest_says_whose_it_is() -> None:
    message = bulletin(digest(), {}, so_far=False, edition=Edition.CHANNEL)
    assert message.text.startswith("This channel, Sunday 22 November · $1.00")


def test_what_no_price_is_known_of_is_no_zero_in_the_days_before() -> None:
    known = DayBar(DAY - timedelta(days=1), {Tier.OPUS: Money(DOLLAR)})
    partly = DayBar(DAY, {Tier.OPUS: Money(DOLLAR, 2), Tier.HAIKU: Money(0, 1)})
    told = digest(chart=(known, partly))
    message = bulletin(told, {}, so_far=False)
    assert message.simpler is not None
    assert "| 22 Nov | $1.00 + 2 unpriced requests | $0.00 | unpriced |" in str(message.simpler.blocks)
    assert "dollars, without what is unpriced" in str(message.blocks)
    assert "without what is unpriced" not in str(bulletin(digest(chart=(known,)), {}, so_far=False).blocks)
    days = digest_record(told)["days"]
    assert days == [
        {"day": "2026-11-21", "opus_micro_usd": DOLLAR, "opus_unpriced_requests": 0},
        {
            "day": "2026-11-22",
            "opus_micro_usd": DOLLAR,
            "opus_unpriced_requests": 2,
            "haiku_micro_usd": 0,
            "haiku_unpriced_requests": 1,
        },
    ]


def test_what_needs_a_look_stands_above_the_chart() -> None:
    message = bulletin(digest(blamed={State.FAILED: (3, 4)}), {}, so_far=False)
    for version in (message, message.simpler):
        assert version is not None
        heads = [block.get("text", {}) for block in version.blocks[:2]]
        assert heads[1]["text"] == "*Needs a look:* 2 failed (#3, #4)"
    assert message.blocks[2]["type"] == "data_visualization"
    assert str(message.blocks).count("Needs a look") == 1


@pytest.mark.parametrize(
    ("liked", "disliked", "line"),
    [
        (12, (371, 371, 380), "Thumbs: 12 up, 3 down (#371, #380)."),
        (1, (), "Thumbs: 1 up."),
        (0, (7,), "Thumbs: 1 down (#7)."),
        (0, (), ""),
    ],
)
def test_thumbs_are_told_where_there_are_any(liked: int, disliked: tuple[int, ...], line: str) -> None:
    told = digest(liked=liked, disliked=disliked)
    assert said(told) == line
    assert digest_record(told)["thumbs"] == {
        "up": liked,
        "down": len(disliked),
        "disliked": list(disliked),
    }


def test_a_task_without_a_link_is_told_by_its_number_only() -> None:
    dear = tuple((make_task(number, words=f"words {number}"), Money(DOLLAR)) for number in (1, 2, 3))
    blocks = bulletin(digest(dearest=dear), {1: "https://x.slack.com/1", 2: ""}, so_far=False).blocks
    (text,) = [block["text"]["text"] for block in blocks if "*Dearest*" in str(block)]
    assert text.split("\n")[1:] == [
        "<https://x.slack.com/1|#1> $1.00 · Sonnet · words 1",
        "#2 $1.00 · Sonnet · words 2",
        "#3 $1.00 · Sonnet",
    ]


def test_days_that_were_missed_are_told_together_without_a_guess_why() -> None:
    told = str(bulletin(digest(first=DAY - timedelta(days=2)), {}, so_far=False).blocks)
    assert "Covers 3 days: they could not be told one by one." in told
    assert "Covers" not in str(bulletin(digest(), {}, so_far=False).blocks)


def test_a_day_without_tasks_claims_nothing_of_the_past() -> None:
    nothing = digest(total=Money(), tiers=(), ended={}, first=DAY - timedelta(days=2))
    message = bulletin(nothing, {}, so_far=False)
    assert message.text.endswith("$0.00 · no tasks. I am up; 0 tasks waiting")


def test_money_without_an_answer_is_said_once_where_it_has_one_reason() -> None:
    told = digest(undelivered=Money(DOLLAR), waste=(WasteLine(Waste.CANCELLED, 2, Money(DOLLAR)),))
    assert said(told) == "Spent without an answer: $1.00 in 2 attempts cancelled."


@pytest.mark.parametrize(
    ("days", "limit", "head"),
    [(0, 50 * DOLLAR, "$1.00 of $50.00 · "), (0, None, "$1.00 · "), (2, 50 * DOLLAR, "$1.00 · ")],
)
def test_one_day_is_told_of_its_budget(days: int, limit: int | None, head: str) -> None:
    pace = Pace(DAY, DOLLAR, DOLLAR, 1, limit)
    told = digest(first=DAY - timedelta(days=days), findings=Findings(pace=pace))
    assert f" · {head}" in f"{bulletin(told, {}, so_far=False).text}"
