"""The time at which a limit says it resets. Pure."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_RESETS = re.compile(
    r"\bresets? (?:at )?"
    r"(?:(?P<hour12>1[0-2]|0?[1-9])(?::(?P<minute12>[0-5]\d))? ?(?P<half>[ap])m"
    r"|(?P<hour24>[01]?\d|2[0-3]):(?P<minute24>[0-5]\d)(?! ?[ap]m))\b"
    r"(?: ?\((?P<zone>[^()\n]{1,60})\))?",
    re.IGNORECASE,
)


def reset_at(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The next time after `now` that the text names as its limit's reset, in UTC.

    It reads `resets 3:30pm (America/Denver)` and `resets 15:30`; a time without a zone is in `zone`.
    None if the text names no time, a date with it, or a zone nobody knows. Where clocks are put
    forward over the time it is as much later; where they are put back it comes twice.
    """
    found = _RESETS.search(text)
    if found is None:
        return None
    within = _zone(found["zone"]) if found["zone"] else zone
    return _next(_time(found), now, within) if within else None


def _time(found: re.Match[str]) -> time:
    if found["hour24"]:
        return time(int(found["hour24"]), int(found["minute24"]))
    afternoon = found["half"].lower() == "p"
    return time(int(found["hour12"]) % 12 + 12 * afternoon, int(found["minute12"] or 0))


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _next(at: time, now: datetime, zone: ZoneInfo) -> datetime:
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(-1, 3))
    return min(when for day in days for when in _instants(datetime.combine(day, at), zone) if when > now)


def _instants(local: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return (first, second) if second > first else (first,)
