"""Which delivery is due when: what waits, what goes last, what may have arrived."""

from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.states import State
from tests.contracts.stores import NOW, SECOND, Parts

WHISPER = NewDelivery("w1", DeliveryKind.WHISPER, "C5", "Not queued.", "17.5", "U5")


async def test_what_is_put_off_waits_and_holds_what_follows(store: Parts) -> None:
    task = await store.add()
    await store.settle(await store.claim(), State.DONE)
    (card,) = await store.due()
    await store.outbox.sending(card.id)
    await store.outbox.put_off(card.id, NOW + SECOND, "rate limited", in_doubt=False)
    assert await store.due() == []
    assert await store.outbox.next_due() == NOW + SECOND
    (again,) = await store.due(NOW + SECOND)
    assert (again.key, again.tries, again.in_doubt) == (f"card:{task.id}", 1, False)


async def test_being_told_to_wait_is_no_failed_try(store: Parts) -> None:
    await store.outbox.put(WHISPER, NOW)
    (due,) = await store.due()
    await store.outbox.sending(due.id)
    await store.outbox.put_off(due.id, NOW + SECOND, "rate limited", in_doubt=False, failed=False)
    (again,) = await store.due(NOW + SECOND)
    assert (again.tries, again.in_doubt) == (0, False)


async def test_a_doubt_is_kept_until_the_send_is_known(store: Parts) -> None:
    await store.outbox.put(WHISPER, NOW)
    (due,) = await store.due()
    await store.outbox.sending(due.id)
    await store.outbox.put_off(due.id, NOW, "no answer came", in_doubt=True)
    assert (await store.due())[0].in_doubt
    await store.outbox.sending(due.id)
    await store.outbox.put_off(due.id, NOW, "refused the connection", in_doubt=False)
    (due,) = await store.due()
    assert (due.in_doubt, due.tries) == (False, 2)


async def test_edits_that_only_show_progress_go_last(store: Parts) -> None:
    task = await store.add()
    (card,) = await store.due()
    assert card.weight == 0, "a first card is what a person waits for"
    await store.outbox.sent(card.id, card.revision, "m1", NOW)
    claim = await store.claim()
    await store.outbox.put(WHISPER, NOW + SECOND)
    assert [(due.key, due.weight) for due in await store.due(NOW + SECOND)] == [("w1", 0), (card.key, 1)]
    await store.settle(claim, State.DONE, NOW + 2 * SECOND)
    assert [(due.key, due.weight) for due in await store.due(NOW + 2 * SECOND)] == [(card.key, 0), ("w1", 0)]
    assert await store.deliver_all(NOW + 2 * SECOND) == [card.key, "w1", f"answer:{task.id}:1"]


async def test_an_end_is_due_at_once_though_its_card_was_put_off_as_progress(store: Parts) -> None:
    await store.add()
    (card,) = await store.due()
    await store.outbox.sent(card.id, card.revision, "m1", NOW)
    claim = await store.claim()
    await store.outbox.wait({card.id: NOW + 60 * SECOND})
    await store.queue.progress(claim, "reading", NOW)
    assert await store.due() == []
    await store.settle(claim, State.DONE)
    assert [(due.key, due.weight) for due in await store.due()] == [(card.key, 0)]


async def test_a_card_that_moved_on_while_it_was_first_sent_is_due_as_progress(store: Parts) -> None:
    await store.add()
    (card,) = await store.due()
    await store.outbox.sending(card.id)
    claim = await store.claim()
    await store.outbox.sent(card.id, card.revision, "m1", NOW)
    (edit,) = await store.due()
    assert (edit.weight, edit.message) == (1, "m1")
    await store.outbox.sending(edit.id)
    await store.settle(claim, State.DONE)
    await store.outbox.sent(edit.id, edit.revision, "m1", NOW)
    assert (await store.due())[0].weight == 0


async def test_a_moved_card_is_a_first_card_again(store: Parts) -> None:
    task = await store.add()
    (card,) = await store.due()
    await store.outbox.sent(card.id, card.revision, "m1", NOW)
    await store.claim()
    await store.outbox.move_to(task.id, "D1", NOW)
    assert [due.weight for due in await store.due()] == [0]


async def test_waiting_for_a_turn_changes_nothing_but_the_time(store: Parts) -> None:
    await store.outbox.put(WHISPER, NOW)
    (due,) = await store.due()
    await store.outbox.sending(due.id)
    await store.outbox.put_off(due.id, NOW, "no answer came", in_doubt=True)
    await store.outbox.wait({due.id: NOW + SECOND, 99: NOW})
    assert await store.due() == []
    assert await store.outbox.next_due() == NOW + SECOND
    (later,) = await store.due(NOW + SECOND)
    assert (later.tries, later.in_doubt) == (1, True)
    await store.outbox.sent(later.id, later.revision, None, NOW)
    await store.outbox.wait({due.id: NOW})
    assert await store.outbox.next_due() is None, "what was sent is not due again"


async def test_the_next_time_is_the_earliest_of_both_weights(store: Parts) -> None:
    await store.add()
    (card,) = await store.due()
    await store.outbox.sent(card.id, card.revision, "m1", NOW)
    await store.claim()
    await store.outbox.put(WHISPER, NOW + SECOND)
    assert await store.outbox.next_due() == NOW
    await store.outbox.wait({card.id: NOW + 5 * SECOND})
    assert await store.outbox.next_due() == NOW + SECOND


async def test_what_a_dead_process_was_sending_is_in_doubt(store: Parts) -> None:
    await store.outbox.put(WHISPER, NOW)
    (due,) = await store.due()
    await store.outbox.sending(due.id)
    assert await store.due() == []
    assert await store.outbox.next_due() is None
    store = await store.reopened()
    (found,) = await store.due()
    assert (found.id, found.in_doubt) == (due.id, True)
    await store.close()


async def test_a_part_that_arrived_is_in_no_doubt(store: Parts) -> None:
    await store.outbox.put(WHISPER, NOW)
    (due,) = await store.due()
    await store.outbox.sending(due.id)
    await store.outbox.part_sent(due.id, "m1")
    store = await store.reopened()
    (found,) = await store.due()
    assert (found.parts_sent, found.message, found.in_doubt) == (1, "m1", False)
    await store.outbox.sending(found.id)
    await store.outbox.part_sent(found.id, "m2")
    await store.outbox.sending(found.id)
    store = await store.reopened()
    (found,) = await store.due()
    assert (found.parts_sent, found.message, found.in_doubt) == (2, "m1", True)
    await store.close()


async def test_the_next_time_is_of_what_can_go_not_of_what_waits_behind_it(store: Parts) -> None:
    assert await store.outbox.next_due() is None
    await store.ended("k", State.DONE)
    (card,) = await store.due()
    await store.outbox.put_off(card.id, NOW + 5 * SECOND, "rate limited", in_doubt=False)
    assert await store.outbox.next_due() == NOW + 5 * SECOND
