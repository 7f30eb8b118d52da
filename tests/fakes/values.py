"""Ready-made values, with only what a test cares about said."""

from dataclasses import replace
from datetime import UTC, datetime

from dispatch.booking import Booking
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.task import Source, Task, Tier
from dispatch.usage import Price, Unpriced, Usage

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def make_task(number: int = 1, priority: int = 5, **changes: object) -> Task:
    """A queued task, changed as said."""
    task = Task(
        id=number,
        state=State.QUEUED,
        request_key=f"key:{number}",
        source=Source.SLASH,
        requester="UANA00001",
        words="investigate stall",
        priority=priority,
        asked_model=None,
        asked_cap_micro_usd=None,
        route=route(priority, None, None, DEFAULT_TABLE),
        channel="COPS00001",
        thread="1700000000.000100",
        message=None,
        quote_thread=False,
        parent=None,
        depth=0,
        attempt=1,
        strikes=0,
        losses=0,
        suspicions=0,
        rank=priority,
        hold=None,
        shortage=None,
        run_at=None,
        expires_at=None,
        cancel_asked=False,
        created_at=NOON,
        updated_at=NOON,
        finished_at=None,
        cost_micro_usd=0,
        unpriced=0,
    )
    return replace(task, **changes)  # type: ignore[arg-type]


def make_booking(
    number: int = 1,
    task_id: int = 1,
    attempt: int = 1,
    tier: Tier = Tier.SONNET,
    price: Price | Unpriced | None = None,
    usage: Usage = Usage(input_tokens=1000, output_tokens=100),  # noqa: B008
    at: datetime = NOON,
) -> Booking:
    """A booked request."""
    return Booking(
        id=number,
        task_id=task_id,
        attempt=attempt,
        tier=tier,
        model=DEFAULT_TABLE[tier].model,
        request_id=f"req_{number}",
        usage=usage,
        price=price or Price(3000, "test"),
        estimated=False,
        opened_at=at,
        booked_at=at,
    )
