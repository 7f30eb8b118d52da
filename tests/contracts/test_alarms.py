"""`ports.Alarms`: what stands is kept, as it is now, until it is closed; and what expired is counted."""

from dataclasses import replace

from dispatch.ports import OpenAlarm
from dispatch.states import State
from dispatch.task import Tier
from tests.contracts.stores import NOW, SECOND, Parts

OPENED = OpenAlarm("gate:account", NOW)
TOLD = replace(OPENED, told_at=NOW + SECOND, channel="C1", message="1.2", delayed=4)


async def test_nothing_stands_at_first(store: Parts) -> None:
    assert await store.alarms.all() == []


async def test_an_alarm_is_kept_as_it_is_now(store: Parts) -> None:
    await store.alarms.put(OPENED)
    await store.alarms.put(TOLD)
    await store.alarms.put(TOLD)
    assert await store.alarms.all() == [TOLD]
    acknowledged = replace(TOLD, acknowledged_by="U1")
    await store.alarms.put(acknowledged)
    store = await store.reopened()
    assert await store.alarms.all() == [acknowledged]
    await store.close()


async def test_closing_forgets_one_and_gives_it_back_once(store: Parts) -> None:
    other = OpenAlarm("disk", NOW - SECOND)
    await store.alarms.put(TOLD)
    await store.alarms.put(other)
    assert await store.alarms.all() == [other, TOLD]
    assert await store.alarms.close(TOLD.key) == TOLD
    assert await store.alarms.close(TOLD.key) is None
    assert await store.alarms.all() == [other]


async def test_a_probe_leaves_nothing_behind(store: Parts) -> None:
    await store.alarms.put(TOLD)
    await store.alarms.probe(NOW)
    await store.alarms.probe(NOW)
    assert await store.alarms.all() == [TOLD]


async def test_what_expired_in_a_window_is_counted_by_tier(store: Parts) -> None:
    for number, priority in enumerate([1, 2, 5]):
        await store.add(f"k{number}", priority, channel="", expires_at=NOW)
    await store.add("kept", 3)
    await store.ended("other", State.FAILED)
    assert await store.queue.expire(NOW + SECOND) == 3
    assert await store.queue.expired(NOW + SECOND, NOW + 2 * SECOND) == {Tier.OPUS: 2, Tier.SONNET: 1}
    assert await store.queue.expired(NOW, NOW + SECOND) == {}
    assert await store.queue.expired(NOW + 2 * SECOND, NOW + 3 * SECOND) == {}
