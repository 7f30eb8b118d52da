"""What comes in during a night, an outage and a week, and what each task takes: drawn from measured figures.

The figures are those of a team's own queue of three tiers, five months of it: 8,939 tasks that ended in 82
days, and the costs and durations of its sessions.
"""

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from random import Random
from statistics import NormalDist, linear_regression

from dispatch.routing import DEFAULT_TABLE, route
from dispatch.task import Tier
from dispatch.usage import MICRO_USD

HOURS = (96, 32, 75, 72, 61, 38, 31, 24, 27, 32, 18, 9, 20, 71, 62, 48, 23, 27, 28, 23, 44, 72, 40, 23)
"""How much of a day's work falls into each hour, UTC, in thousandths."""

GAPS = {
    0.0: 1,
    0.05: 24,
    0.1: 37,
    0.2: 54,
    0.3: 68,
    0.4: 89,
    0.5: 128,
    0.6: 230,
    0.7: 405,
    0.8: 1012,
    0.9: 2490,
    0.95: 3621,
    0.99: 7243,
    1.0: 24378,
}
"""The seconds from one task to the next, by quantile."""

PRIORITIES = {1: 2, 2: 4, 3: 4, 4: 10, 5: 37, 6: 13, 7: 23, 8: 6, 9: 1}
"""How often each priority was asked for, in hundredths."""

SEED_WEEK = {1: 1, 2: 2, 3: 2, 4: 5, 5: 30, 6: 11, 7: 19, 8: 20, 9: 6, 10: 4}
"""The same in a week of 10 % Opus, 60 % Sonnet and 30 % Haiku."""

COSTS = {
    Tier.OPUS: {0.1: 0.17, 0.5: 0.77, 0.9: 2.19, 0.99: 4.91},
    Tier.SONNET: {0.1: 0.05, 0.5: 0.31, 0.9: 1.03, 0.99: 2.96},
    Tier.HAIKU: {0.1: 0.04, 0.5: 0.06, 0.9: 0.16, 0.99: 0.50},
}
"""The dollars of a task, by quantile."""

SECONDS = {Tier.OPUS: (145, 39, 431, 23), Tier.SONNET: (97, 12, 900, 626), Tier.HAIKU: (38, 15, 164, 92)}
"""The seconds of a session: mean, least, most, and of how many sessions."""

FAILED, CUT_SHORT = 0.0145, 0.007
"""The shares of tasks that failed, and of those that never came to an end."""

PEOPLE = tuple(f"UTEAM{number:04}" for number in range(12))
_EAGERNESS = [1 / math.sqrt(number + 1) for number in range(len(PEOPLE))]
CHANNELS = ("COPS00001", "CDEV00001", "CDATA0001")


class Ending(StrEnum):
    """What a session of the task comes to, as often as it is tried."""

    ANSWER = "answer"
    REFUSAL = "refusal"
    CUT_SHORT = "cut short"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A task that comes in, and what a session of it will take. `beside` marks one put in by hand."""

    key: str
    at: datetime
    priority: int
    requester: str
    channel: str
    cost_micro_usd: int
    seconds: float
    ending: Ending
    model: str | None = None
    expires_at: datetime | None = None
    beside: bool = False


def night(
    chance: Random, begins: datetime, tasks: int = 526, lasts: timedelta = timedelta(hours=10)
) -> list[Arrival]:
    """A flood in the measured mix, with five p1 and five p10 between; the p10 ask for Sonnet's full seats."""
    gaps = [_gap(chance) for _ in range(tasks)]
    scale = lasts.total_seconds() / sum(gaps)
    moments = [begins + timedelta(seconds=passed * scale) for passed in accumulate(gaps)]
    flood = [arrival(chance, f"flood:{n}", at, PRIORITIES) for n, at in enumerate(moments)]
    for priority, model in ((1, None), (10, Tier.SONNET.value)):
        for number in range(5):
            at = begins + lasts * chance.random()
            drawn = arrival(chance, f"p{priority}:{number}", at, {priority: 1}, model)
            flood.append(replace(drawn, beside=True))
    return sorted(flood, key=lambda one: one.at)


def days(
    chance: Random, begins: datetime, count: int, a_day: int, priorities: Mapping[int, int]
) -> list[Arrival]:
    """So many days of ordinary work, spread over the hours as measured. `begins` is a midnight."""
    coming = []
    for day in range(count):
        for number in range(a_day):
            (hour,) = chance.choices(range(24), HOURS)
            at = begins + timedelta(days=day, hours=hour + chance.random())
            coming.append(arrival(chance, f"{day}:{number}", at, priorities))
    return sorted(coming, key=lambda one: one.at)


def hurried(
    chance: Random, coming: Sequence[Arrival], since: datetime, until: datetime, share: float
) -> list[Arrival]:
    """The same, but that share of what comes in during the span is worth nothing before its end."""

    meanwhile = [one.key for one in coming if since <= one.at < until]
    chosen = set(chance.sample(meanwhile, round(len(meanwhile) * share)))

    def hurry(one: Arrival) -> Arrival:
        if one.key not in chosen:
            return one
        return replace(one, expires_at=one.at + (until - one.at) * chance.random())

    return [hurry(one) for one in coming]


def arrival(
    chance: Random, key: str, at: datetime, priorities: Mapping[int, int], model: str | None = None
) -> Arrival:
    """One task, drawn."""
    (priority,) = chance.choices(list(priorities), list(priorities.values()))
    (requester,) = chance.choices(PEOPLE, _EAGERNESS)
    tier = route(priority, model, None, DEFAULT_TABLE).tier
    luck = chance.random()
    ending = Ending.REFUSAL if luck < FAILED else Ending.ANSWER
    return Arrival(
        key=key,
        at=at,
        priority=priority,
        requester=requester,
        channel=chance.choice(CHANNELS),
        cost_micro_usd=round(MICRO_USD * math.exp(_cost(tier).inv_cdf(_inside(chance)))),
        seconds=_seconds(chance, tier),
        ending=Ending.CUT_SHORT if FAILED <= luck < FAILED + CUT_SHORT else ending,
        model=model,
    )


def _cost(tier: Tier) -> NormalDist:
    """The normal distribution of the logarithm of a cost, fitted to the quantiles."""
    places = [NormalDist().inv_cdf(quantile) for quantile in COSTS[tier]]
    sigma, mu = linear_regression(places, [math.log(dollars) for dollars in COSTS[tier].values()])
    return NormalDist(mu, sigma)


def _seconds(chance: Random, tier: Tier) -> float:
    """A duration: its logarithm is normal, with that mean and so wide that its ends are likely the ends."""
    mean, least, most, sessions = SECONDS[tier]
    sigma = math.log(most / least) / (2 * NormalDist().inv_cdf(1 - 1 / (sessions + 1)))
    drawn = math.exp(NormalDist(math.log(mean) - sigma**2 / 2, sigma).inv_cdf(_inside(chance)))
    return min(max(drawn, least), most)


def _gap(chance: Random) -> float:
    quantiles, luck = list(GAPS), chance.random()
    above = min(max(bisect(quantiles, luck), 1), len(quantiles) - 1)
    low, high = quantiles[above - 1], quantiles[above]
    part = (luck - low) / (high - low)
    return math.exp(math.log(GAPS[low]) * (1 - part) + math.log(GAPS[high]) * part)


def _inside(chance: Random) -> float:
    return min(max(chance.random(), 1e-9), 1 - 1e-9)
