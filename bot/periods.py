"""Where a period of days begins. Pure."""

from datetime import date, timedelta

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
