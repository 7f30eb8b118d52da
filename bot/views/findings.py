"""What a digest points at, a line for each, what is unusual first. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from bot.money import dollars
from bot.slacktext import inline
from bot.words import counted, duration
from dispatch.digest import Digest, Money, PartyLine, Waste
from dispatch.findings import Outlier, Pace, Regrets, Wait

NAMED: Final = 5
"""How many tasks or days a line names."""

PARTIES: Final = 8
"""How many people or channels a line names."""

_WORTH_SAYING: Final = timedelta(minutes=1)
_NAME_LIMIT: Final = 40
_WASTE: Final = {
    Waste.FAILED: "that failed",
    Waste.CANCELLED: "cancelled",
    Waste.AGAIN: "that had to run again",
    Waste.UNDER_WAY: "still under way",
}

Names = Mapping[str, str]
"""What people and channels are called, by id."""


def unusual(digest: Digest, names: Names | None) -> Iterator[str]:
    """What needs a look, in one line, if anything does. Without `names` no person and channel is told of."""
    if look := _look(digest, names):
        yield f"*Needs a look:* {', '.join(look)}"


def findings(digest: Digest, names: Names | None) -> Iterator[str]:
    """Everything else worth saying. Without `names` nothing is said of single people and channels."""
    yield from _savings(digest)
    yield from _regrets(digest.findings.regrets)
    if digest.waste:
        split = ", ".join(_wasted(digest))
        whole = f"{_sum(digest.undelivered)}: " if len(digest.waste) > 1 else ""
        yield f"Spent without an answer: {whole}{split}."
    yield from _disputed(digest.disputed)
    yield from _thumbs(digest)
    if slow := [wait for wait in digest.findings.waits if wait.longest >= _WORTH_SAYING]:
        yield f"Waited for a start, median and longest: {' · '.join(_wait(wait) for wait in slow)}."
    if digest.findings.pace is not None:
        yield _month(digest.findings.pace)
    if names is not None:
        yield from _parties("person", digest.people, names)
        yield from _parties("channel", digest.channels, names)


def _look(digest: Digest, names: Names | None) -> list[str]:
    blamed = [f"{len(tasks)} {state} ({numbers(tasks)})" for state, tasks in digest.blamed.items() if tasks]
    unpriced = digest.total.unpriced
    missing = [f"{counted(unpriced, 'request')} of unknown price, in no sum"] if unpriced else []
    far = [one for one in digest.findings.outliers if names is not None or _is_public(one)]
    more = [f"{len(far) - NAMED} more"] if len(far) > NAMED else []
    return [*blamed, *missing, *(_outlier(one, digest, names or {}) for one in far[:NAMED]), *more]


def _is_public(outlier: Outlier) -> bool:
    return not outlier.scope.startswith(("person:", "channel:"))


def _outlier(outlier: Outlier, digest: Digest, names: Names) -> str:
    kind, _, name = outlier.scope.partition(":")
    what = {"all": "the whole day", "tier": name.capitalize()}.get(kind) or _shown(name, names)
    day = "" if digest.first == digest.last else f" on {outlier.day.day} {outlier.day:%B}"
    return f"{what} cost {dollars(outlier.micro_usd)}{day}, usually {dollars(outlier.usual_micro_usd)}"


def _savings(digest: Digest) -> Iterator[str]:
    opus, paid = digest.all_opus_micro_usd, digest.compared_micro_usd
    if opus == paid:
        return
    told = f"saved {dollars(opus - paid)}" if opus > paid else f"cost {dollars(paid - opus)} more"
    left = f" ({counted(digest.uncompared, 'request')} without a price left out)" if digest.uncompared else ""
    yield f"All on Opus it would have been {dollars(opus)}: routing {told}{left}."


def _regrets(regrets: Regrets) -> Iterator[str]:
    if regrets.quick:
        yield (
            f"{counted(len(regrets.quick), 'Opus task')} ended in under a minute with under 2k tokens out "
            f"({numbers(regrets.quick)}): {dollars(regrets.quick_micro_usd)}, on Sonnet "
            f"{dollars(regrets.cheaper_micro_usd)}. Try p{regrets.try_priority}."
        )
    if regrets.again:
        told = counted(len(regrets.again), "Haiku task")
        yield f"{told} failed and had to run again ({numbers(regrets.again)})."
    if regrets.has_many_overrides:
        yield (
            f"Overrides were {regrets.overrides_percent} % ({numbers(regrets.overridden)}): `model=` was set "
            "against the priority, so the priorities may be off."
        )


def _wasted(digest: Digest) -> Iterator[str]:
    for line in digest.waste:
        yield f"{_sum(line.money)} in {counted(line.attempts, 'attempt')} {_WASTE[line.why]}"


def _disputed(disputed: Sequence[int]) -> Iterator[str]:
    if disputed:
        sessions = counted(len(disputed), "session")
        yield f"{sessions} whose runtime names another cost than was booked: {numbers(disputed)}."


def _thumbs(digest: Digest) -> Iterator[str]:
    up = [f"{digest.liked} up"] if digest.liked else []
    down = [f"{len(digest.disliked)} down ({numbers(digest.disliked)})"] if digest.disliked else []
    if up or down:
        yield f"Thumbs: {', '.join([*up, *down])}."


def _wait(wait: Wait) -> str:
    return f"p{wait.priority} {duration(wait.median)}, {duration(wait.longest)} (#{wait.slowest})"


def _month(pace: Pace) -> str:
    allowed = pace.month_budget_micro_usd
    budget = f" The day's budget allows {dollars(allowed)}." if allowed is not None else ""
    if pace.last.day == pace.days:
        return f"{pace.last:%B} came to {dollars(pace.spent_micro_usd)}.{budget}"
    days = "the last day" if pace.mean_days == 1 else f"the mean of the last {pace.mean_days} days"
    return (
        f"{pace.last:%B} at this pace: {dollars(pace.month_micro_usd)}: {dollars(pace.spent_micro_usd)} so "
        f"far, then {dollars(pace.daily_micro_usd)} a day, {days}.{budget}"
    )


def _parties(kind: str, lines: Sequence[PartyLine], names: Names) -> Iterator[str]:
    if not lines:
        return
    told = [_party(line, names) for line in lines[:PARTIES]]
    if rest := lines[PARTIES:]:
        told.append(f"{counted(len(rest), 'other')} {_sum(sum((one.money for one in rest), Money()))}")
    yield f"By {kind}: {', '.join(told)}."


def _party(line: PartyLine, names: Names) -> str:
    return f"{_shown(line.name, names)} {_sum(line.money)} ({counted(line.tasks, 'task')})"


def _shown(name: str, names: Names) -> str:
    return inline(names.get(name, name), _NAME_LIMIT) or "no channel"


def numbers(tasks: Iterable[int]) -> str:
    """The first tasks by number, each once: `#41, #44 and 3 more`."""
    named = sorted(set(tasks))
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return ", ".join(f"#{number}" for number in named[:NAMED]) + more


def _sum(money: Money) -> str:
    return dollars(money.micro_usd, money.unpriced)
