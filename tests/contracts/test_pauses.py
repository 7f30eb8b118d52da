"""A pause of the whole queue: nothing is claimed until it is lifted, also by the next process."""

from dispatch.pauses import Paused
from dispatch.policy import Seating
from dispatch.states import State
from dispatch.task import Tier
from tests.contracts.stores import LEASE, NOW, SECOND, Parts

EVERY = ((Tier.OPUS, 3), (Tier.SONNET, 6), (Tier.HAIKU, 9))


async def test_a_queue_is_not_paused_before_somebody_pauses_it(store: Parts) -> None:
    assert await store.queue.paused() is None
    assert await store.queue.unpause(NOW) is None


async def test_while_it_is_paused_nothing_is_claimed_and_what_runs_goes_on(store: Parts) -> None:
    for tier, priority in EVERY:
        await store.add(f"first on {tier}", priority)
    running = await store.claim(Tier.OPUS)
    await store.add("another", 3)
    await store.queue.pause("UANA", NOW)
    for tier, _ in EVERY:
        assert await store.queue.claim(tier, Seating(9), NOW + LEASE, NOW) is None
    assert await store.queue.renew(running, NOW + LEASE)
    assert (await store.settle(running, State.DONE)).state is State.DONE
    assert await store.queue.unpause(NOW) == Paused("UANA", NOW)
    for tier, _ in EVERY:
        assert (await store.claim(tier)).task.route.tier is tier


async def test_the_first_pause_stands(store: Parts) -> None:
    first = await store.queue.pause("UANA", NOW)
    assert first == Paused("UANA", NOW)
    assert await store.queue.pause("USAM", NOW + SECOND) == first
    assert await store.queue.paused() == first


async def test_the_next_process_finds_it_paused(store: Parts) -> None:
    await store.add()
    await store.queue.pause("UANA", NOW)
    after = await store.reopened()
    await after.queue.recover(NOW)
    assert await after.queue.paused() == Paused("UANA", NOW)
    assert await after.queue.claim(Tier.OPUS, Seating(9), NOW + LEASE, NOW) is None
    await after.close()


async def test_the_cards_of_those_in_line_are_due_where_it_changes_and_only_then(store: Parts) -> None:
    await store.add()
    for change in (store.queue.pause("UANA", NOW), store.queue.unpause(NOW)):
        await store.deliver_all()
        await change
        assert [due.key for due in await store.due()] == ["card:1"]
    await store.deliver_all()
    assert await store.queue.unpause(NOW) is None
    assert await store.due() == []
