"""Where a period of days begins, and when a time of day is next. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.grammar import Period


def first_day(period: Period, today: date) -> date:
    """The first day of a period that ends today: weeks begin on Monday, months on the 1st."""
    match period:
        case Period.TODAY:
            return today
        case Period.WEEK:
            return today - timedelta(days=today.weekday())
        case Period.MONTH:
            return today.replace(day=1)


def next_time(by: time, now: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after now, in UTC, at which the zone's clocks show that time.

    Where clocks are put back that may be its second showing; where they leap over it, it is as long
    after midnight as the time says.
    """
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=ahead) for ahead in range(3)]
    shown = [moment for day in days for moment in _showings(day, by, zone)]
    return min(moment for moment in shown if moment > now)


def _showings(day: date, by: time, zone: ZoneInfo) -> list[datetime]:
    first, second = (datetime.combine(day, by.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
    return [first, second] if first < second else [first]
