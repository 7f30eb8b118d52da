"""`ports.Digests`: a day is told to a channel once."""

from datetime import date

from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.editions import Edition
from tests.contracts.stores import NOW, Parts

DAILY = Edition.DAILY
DAY, NEXT = date(2026, 11, 21), date(2026, 11, 22)


def digest(day: date, channel: str = "C1") -> NewDelivery:
    """What is said of a day."""
    return NewDelivery(f"digest:{channel}:{day}", DeliveryKind.DIGEST, channel, day.isoformat())


async def test_no_day_is_told_at_first(store: Parts) -> None:
    assert await store.digests.last_day(DAILY, "C1") is None


async def test_a_day_is_told_once(store: Parts) -> None:
    assert await store.digests.tell(DAILY, "C1", DAY, digest(DAY), NOW)
    assert not await store.digests.tell(DAILY, "C1", DAY, digest(DAY), NOW)
    store = await store.reopened()
    assert not await store.digests.tell(DAILY, "C1", DAY, digest(DAY), NOW)
    assert await store.deliver_all() == ["digest:C1:2026-11-21"]
    assert not await store.digests.tell(DAILY, "C1", DAY, digest(DAY), NOW)
    assert await store.due() == []
    await store.close()


async def test_channels_are_told_each_for_itself(store: Parts) -> None:
    assert await store.digests.tell(DAILY, "C1", DAY, digest(DAY), NOW)
    assert await store.digests.tell(DAILY, "C2", NEXT, digest(NEXT, "C2"), NOW)
    assert await store.digests.last_day(DAILY, "C1") == DAY
    assert await store.digests.last_day(DAILY, "C2") == NEXT


async def test_the_newest_day_counts(store: Parts) -> None:
    await store.digests.tell(DAILY, "C1", NEXT, digest(NEXT), NOW)
    await store.digests.tell(DAILY, "C1", DAY, digest(DAY), NOW)
    assert await store.digests.last_day(DAILY, "C1") == NEXT


async def test_a_day_can_be_noted_without_a_word(store: Parts) -> None:
    assert await store.digests.tell(DAILY, "C1", DAY, None, NOW)
    assert await store.digests.last_day(DAILY, "C1") == DAY
    assert await store.due() == []


async def test_editions_in_one_channel_are_told_each_for_itself(store: Parts) -> None:
    assert await store.digests.tell(DAILY, "C1", DAY, digest(DAY), NOW)
    for edition in (Edition.WEEKLY, Edition.CHANNEL):
        assert await store.digests.last_day(edition, "C1") is None
        assert await store.digests.tell(edition, "C1", NEXT, None, NOW)
        assert not await store.digests.tell(edition, "C1", NEXT, None, NOW)
    assert await store.digests.last_day(DAILY, "C1") == DAY
