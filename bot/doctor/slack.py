"""Token, scopes, clock and channels: what Slack says of the app itself."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.doctor.finding import Finding, Level, failure, ok, unknown, warning
from bot.doctor.ports import Slack
from bot.ports import Refused

_ASKED: Final = "auth.test"
_SCOPES: Final = (
    "Paste `onequeue manifest` into the app's App Manifest, or add them under OAuth & Permissions; "
    "then reinstall the app to the workspace"
)
_CLOCK: Final = "Set this machine's clock and keep it set: timedatectl set-ntp true"
_WRONG: Final = timedelta(seconds=60)
_ODD: Final = timedelta(seconds=10)


async def token(
    slack: Slack, wanted: frozenset[str], of_channels: frozenset[str], now: Callable[[], datetime]
) -> Sequence[Finding]:
    """Token, scopes and clock. `of_channels` are the scopes that the minimal manifest does without."""
    before = now()
    try:
        answer = await slack.call(_ASKED)
    except Refused as refused:
        fix = "Put the app's Bot User OAuth Token (xoxb-...) in SLACK_BOT_TOKEN and restart"
        return [
            failure("slack token", _ASKED, f"Slack refused it: {refused.code}", fix),
            unknown("slack scopes", _ASKED, "not checked: the token was refused", "Put the token right"),
        ]
    name, team = answer.body.get("user", "?"), answer.body.get("team", "?")
    return [
        ok("slack token", _ASKED, f"{name} in team {team}"),
        _scopes(answer.scopes, wanted, of_channels),
        _clock(answer.date, before + (now() - before) / 2),
    ]


def _scopes(granted: frozenset[str], wanted: frozenset[str], of_channels: frozenset[str]) -> Finding:
    name, did = "slack scopes", f"{_ASKED} against the manifest"
    missing = wanted - granted
    if not granted:
        return unknown(name, did, "not checked: Slack named no scopes", "See OAuth & Permissions of the app")
    if not missing:
        return ok(name, did, f"all {len(wanted)} are granted")
    if missing == of_channels:
        return ok(name, did, "all of the minimal manifest are granted: it reads no channels")
    return failure(name, did, f"{', '.join(sorted(missing))} missing", _SCOPES)


def _clock(slacks: datetime | None, ours: datetime) -> Finding:
    name, did = "clock", "compared with Slack's"
    if slacks is None:
        return unknown(name, did, "not checked: Slack's answer bore no date", "See timedatectl")
    off = ours - slacks
    if abs(off) <= _ODD:
        return ok(name, did, f"{abs(off).total_seconds():.0f} s apart")
    seen = f"{_span(abs(off))} {'ahead of' if off > timedelta(0) else 'behind'} Slack"
    return Finding(name, Level.FAILURE if abs(off) > _WRONG else Level.WARNING, did, seen, _CLOCK)


def _span(time: timedelta) -> str:
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


async def channels(
    slack: Slack, named: Mapping[str, str], told: frozenset[str], alarmed: bool
) -> Sequence[Finding]:
    """Membership of each channel that the settings name. `named` says by which, `told` needs a member.

    `alarmed` says that one of them is told of alarms.
    """
    found = await _each(slack, named, told)
    if alarmed:
        return found
    digests = "only channels are told of their own tasks" if told else "no digest is posted"
    none = warning(
        "channels",
        "read the settings",
        f"no channel for digest or operators is set: {digests}, alarms are in the log alone",
        "Set digest.channel (ONEQUEUE_DIGEST_CHANNEL), and operators.channel where it is another",
    )
    return [none, *found]


async def _each(slack: Slack, named: Mapping[str, str], told: frozenset[str]) -> Sequence[Finding]:
    return await asyncio.gather(
        *(_channel(slack, channel, setting, channel in told) for channel, setting in named.items())
    )


async def _channel(slack: Slack, channel: str, setting: str, needed: bool) -> Finding:
    name, did = f"channel {channel}", f"conversations.info, for {setting}"
    try:
        found = (await slack.call("conversations.info", {"channel": channel})).body["channel"]
    except Refused as refused:
        if refused.code == "missing_scope":
            return unknown(name, did, "not checked: a scope is missing", _SCOPES)
        fix = f"Check the id in {setting}; where the channel is private, type /invite @onequeue in it"
        return failure(name, did, f"Slack refused: {refused.code}", fix)
    shown = f"#{found.get('name', '?')}"
    if found.get("is_archived"):
        return failure(name, did, f"{shown} is archived", f"Name another channel in {setting}")
    if found.get("is_member"):
        return ok(name, did, f"the bot is in {shown}")
    level = Level.FAILURE if needed else Level.WARNING
    return Finding(name, level, did, f"the bot is not in {shown}", f"Type /invite @onequeue in {shown}")


async def command() -> Sequence[Finding]:
    """The slash command, which no method of Slack's lists."""
    fix = "Type `/task help` in Slack: the bot answers. If Slack does not know it, paste `onequeue manifest`"
    return [
        unknown(
            "slash command", "looked for a method", "not checked: Slack lists an app's commands nowhere", fix
        )
    ]
