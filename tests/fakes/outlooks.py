"""A ready-made outlook on a task that waits, with only what a test cares about said."""

from dataclasses import replace
from datetime import timedelta

from dispatch.forecast import Outlook, Place, Range, Seats, Today, Usual


def make_outlook(ahead: int = 1, queued: int = 2, **changes: object) -> Outlook:
    """So many go first of so many; changed as said."""
    outlook = Outlook(
        usual=Usual(20, 20, Range(800_000, 1_500_000), Range(360, 660)),
        place=Place(ahead, queued),
        seats=Seats(usable=2, taken=0, seats=3),
        starts_in=timedelta(minutes=6),
        today=Today(50_000_000, 31_200_000),
    )
    return replace(outlook, **changes)  # type: ignore[arg-type]
