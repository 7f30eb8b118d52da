"""What is on this machine: database, disk, zone, timeouts, the day's money, the jail of agents."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.config import ConfigError
from bot.doctor.finding import Finding, failure, in_one_line, ok, unknown, warning
from bot.money import dollars
from dispatch.alarms import Disk
from dispatch.budget import ALL, Budgets, Standing
from dispatch.errors import StoreError
from dispatch.ports import Condition
from dispatch.watch import FREE_PERCENT

_BACKUP: Final = "Stop Onequeue, keep the file, and put the newest backup in its place"
_AGAIN: Final = "Put that right, then ask again"
_NEARLY: Final = 2
_YEAR: Final = 400


async def secrets(need: Callable[[], None]) -> Sequence[Finding]:
    """Whether tokens and keys are set. `need` raises ConfigError naming those that are not."""
    name, did = "secrets", "read the settings"
    try:
        need()
    except ConfigError as error:
        return [
            failure(name, did, in_one_line(str(error)), "Set them; `onequeue run` does not start without")
        ]
    return [ok(name, did, "every token and key is set")]


async def database(condition: Callable[[], Awaitable[Condition]], answers: bool) -> Sequence[Finding]:
    """The database's file. `answers` says whether a running Onequeue answered at its socket."""
    name, did, found = "database", "opened it to read", await condition()
    if found.error:
        return [failure(name, did, found.error, _AGAIN)]
    if found.version is None:
        saw = "there is none yet: `onequeue run` makes it"
        return [ok(name, "looked for it", saw)]
    findings = [_sound(name, did, found)]
    if found.holder and not answers:
        fix = f"Wait if it has just been started, else stop process {found.holder} and start it again"
        saw = f"process {found.holder} holds it and does not answer at its socket"
        findings.append(failure("process", "tried the lock", saw, fix))
    return findings


def _sound(name: str, did: str, found: Condition) -> Finding:
    if found.check is not None and found.check != "ok":
        return failure(name, did, f"it is damaged: {found.check}", _BACKUP)
    seen = f"version {found.version}, SQLite {found.sqlite}"
    if found.version != found.newest:
        seen += f"; the next start renews it to version {found.newest} and backs it up first"
    if found.check is None:
        saw = f"{seen}; not checked for damage: that takes longer than there is time for"
        return unknown(name, did, saw, "`onequeue backup FILE` checks all of it")
    if found.journal != "wal":
        fix = "Put it on a local disk: a network folder cannot hold it"
        return warning(name, did, f"{seen}, sound, but in mode {found.journal}", fix)
    return ok(name, did, f"{seen}, sound")


async def disk(measure: Callable[[], Disk | None], least: int) -> Sequence[Finding]:
    """The free space where the database is. `least` is in bytes."""
    name, did = "disk", "measured the database's"
    found = measure()
    if found is None:
        return [failure(name, did, "its folder is not there", "Make the folder that ONEQUEUE_DATABASE names")]
    least = max(least, found.total * FREE_PERCENT // 100)
    saw = f"{_size(found.free)} of {_size(found.total)} free"
    fix = "Make room there, or move the database: a task that cannot be stored is refused"
    if found.free < least:
        return [failure(name, did, f"{saw}, less than {_size(least)}", fix)]
    if found.free < least * _NEARLY:
        return [warning(name, did, saw, fix)]
    return [ok(name, did, saw)]


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 10**9 else f"{number / 1e6:.0f} MB"


async def zone(team: ZoneInfo, now: datetime) -> Sequence[Finding]:
    """The team's zone: what time it is there, and when its clocks change."""
    here = now.astimezone(team)
    change = _next_change(here)
    until = f"clocks change on {change:%d %B %Y}" if change else "its clocks never change"
    saw = f"{team.key}, where it is {here:%H:%M} (UTC{here:%z}); {until}"
    if team.key == "UTC":
        fix = "Set timezone (ONEQUEUE_TIMEZONE) where the team is not: days, budgets and `by=18:00` go by it"
        return [warning("zone", "read the settings", saw, fix)]
    return [ok("zone", "read the settings", saw)]


def _next_change(here: datetime) -> date | None:
    """The first day that ends at another offset than that of now."""
    for number in range(_YEAR):
        day = here.date() + timedelta(days=number)
        end = datetime.combine(day + timedelta(days=1), time.min, here.tzinfo)
        if end.utcoffset() != here.utcoffset():
            return day
    return None


async def timeouts(clashes: Iterable[str]) -> Sequence[Finding]:
    """Whether each timeout fits into the next."""
    name, did = "timeouts", "compared them"
    found = [failure(name, did, "one does not fit into the next", clash) for clash in clashes]
    return found or [ok(name, did, "each fits into the next")]


async def budget(budgets: Budgets, standing: Callable[[], Awaitable[Standing | None]]) -> Sequence[Finding]:
    """The day's money, in all."""
    name, did = "budget", "added up today's requests"
    limit = budgets.everybody
    if limit is None:
        fix = "Set budgets.day_usd: without it a day may cost any amount"
        return [warning(name, "read the settings", "there is none for the day", fix)]
    try:
        day = await standing()
    except StoreError as error:
        return [unknown(name, did, f"not checked: {error}", _AGAIN)]
    if day is None:
        return [ok(name, did, f"none of the day's {dollars(limit)} is spent: there is no database yet")]
    spent, reserved = day.spent.get(ALL, 0), day.reserved.get(ALL, 0)
    left = max(limit - spent - reserved, 0)
    kept = f", {dollars(budgets.urgent)} of it kept for p1 and p2" if budgets.urgent else ""
    saw = f"{dollars(spent)} of today's {dollars(limit)} spent, {dollars(reserved)} reserved"
    saw += f", {dollars(left)} left{kept}"
    if left <= budgets.urgent:
        fix = f"Wait until {day.resets_at:%H:%M} UTC, or raise budgets.day_usd and restart"
        return [warning(name, did, saw, fix)]
    return [ok(name, did, saw)]


async def agents(
    program: Callable[[], Awaitable[str]], isolation: Callable[[], Awaitable[tuple[bool, str]]], bare: bool
) -> Sequence[Finding]:
    """The program that agents are, by its version, and whether this machine can shut them in.

    `bare` says that the settings let them run where it cannot.
    """
    version = await program()
    missing = 'Install "onequeue[claude-code]", or put `claude` on the path'
    name, did = "claude code", "asked its version"
    found = (
        ok(name, did, version) if version else failure(name, did, "it is not there or does not run", missing)
    )
    shut_in, words = await isolation()
    name, did = "isolation", "tried to make a jail"
    if shut_in:
        return [found, ok(name, did, words)]
    if bare:
        fix = "Leave it so only on a machine that is itself a jail, else put claude_code.isolation right"
        return [
            found,
            warning(name, did, f"{words}; claude_code.isolation lets agents run all the same", fix),
        ]
    fix = "Install bubblewrap and socat and allow user namespaces; until then agents run no task"
    return [found, failure(name, did, words, fix)]
