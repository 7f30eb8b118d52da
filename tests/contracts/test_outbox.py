"""`ports.Outbox`: what is due is sent in order, once, and a doubt is kept."""

import pytest

from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.errors import NotFound
from dispatch.questions import NewQuestion, QuestionKind
from dispatch.states import State
from tests.contracts.stores import NOW, SECOND, Parts

WHISPER = NewDelivery("w1", DeliveryKind.WHISPER, "C5", "Not queued.", "17.5", "U5")


async def test_a_delivery_comes_back_as_put(store: Parts) -> None:
    assert await store.outbox.put(WHISPER, NOW)
    (due,) = await store.due()
    assert (due.key, due.kind, due.body) == ("w1", DeliveryKind.WHISPER, "Not queued.")
    assert (due.channel, due.thread, due.person) == ("C5", "17.5", "U5")
    assert (due.task_id, due.attempt, due.message, due.revision) == (None, None, None, 1)
    assert (due.parts_sent, due.tries, due.in_doubt, due.due_at) == (0, 0, False, NOW)


async def test_a_key_is_put_once_for_ever(store: Parts) -> None:
    await store.outbox.put(WHISPER, NOW)
    assert await store.deliver_all() == ["w1"]
    assert not await store.outbox.put(WHISPER, NOW)
    assert await store.due() == []


async def test_the_first_card_becomes_the_thread_of_all_that_follows(store: Parts) -> None:
    task = await store.add()
    (card,) = await store.due()
    assert (card.kind, card.channel, card.thread, card.message) == (DeliveryKind.CARD, "C1", None, None)
    await store.outbox.sent(card.id, card.revision, "17.9", NOW)
    assert (await store.queue.task(task.id)).thread == "17.9"
    await store.settle(await store.claim(), State.DONE)
    (edit,) = await store.due()
    assert (edit.id, edit.message, edit.thread) == (card.id, "17.9", "17.9")
    await store.outbox.sent(edit.id, edit.revision, None, NOW)
    (answer,) = await store.due()
    assert (answer.kind, answer.attempt, answer.body) == (DeliveryKind.ANSWER, 1, "the answer")
    assert (answer.channel, answer.thread) == ("C1", "17.9")


async def test_a_card_in_a_thread_leaves_the_thread_as_it_is(store: Parts) -> None:
    task = await store.add(thread="17.1")
    (card,) = await store.due()
    assert card.thread == "17.1"
    await store.outbox.sent(card.id, card.revision, "17.9", NOW)
    assert (await store.queue.task(task.id)).thread == "17.1"


async def test_a_follow_up_that_names_no_thread_joins_its_parents(store: Parts) -> None:
    parent = await store.add()
    (card,) = await store.due()
    await store.outbox.sent(card.id, card.revision, "17.9", NOW)
    assert (await store.add("child", parent=parent.id, depth=1)).thread == "17.9"
    assert (await store.add("elsewhere", parent=parent.id, depth=1, channel="D1")).thread is None


async def test_a_follow_up_made_before_its_parents_card_arrived_joins_the_thread(store: Parts) -> None:
    parent = await store.add()
    child = await store.add("child", parent=parent.id, depth=1)
    grandchild = await store.add("grandchild", parent=child.id, depth=2)
    stranger = await store.add("stranger")
    for message in ("17.1", "17.2"):
        card = (await store.due())[0]
        await store.outbox.sent(card.id, card.revision, message, NOW)
    family = [await store.queue.task(task.id) for task in (parent, child, grandchild)]
    assert [task.thread for task in family] == ["17.1"] * 3, "replies go to the root, not to a reply"
    assert (await store.queue.task(stranger.id)).thread is None


async def test_a_follow_up_is_told_of_after_its_parent_though_that_was_put_off(store: Parts) -> None:
    parent = await store.add()
    child = await store.add("child", parent=parent.id, depth=1)
    (card,) = await store.due()
    await store.outbox.put_off(card.id, NOW + SECOND, "Slack is down", in_doubt=True)
    assert await store.due() == []
    assert await store.outbox.next_due() == NOW + SECOND
    assert await store.deliver_all(NOW + SECOND) == [f"card:{parent.id}", f"card:{child.id}"]


async def test_a_follow_up_is_told_of_where_its_parents_card_was_given_up(store: Parts) -> None:
    parent = await store.add()
    child = await store.add("child", parent=parent.id, depth=1)
    (card,) = await store.due()
    await store.outbox.refused(card.id, "no", NOW)
    assert await store.deliver_all() == [f"card:{child.id}"]


async def test_each_task_gives_only_its_oldest_unsent_delivery(store: Parts) -> None:
    one, two = await store.add("a"), await store.add("b")
    for _ in range(2):
        await store.settle(await store.claim(), State.DONE)
    assert [delivery.key for delivery in await store.due()] == [f"card:{one.id}", f"card:{two.id}"]
    card = (await store.due())[0]
    await store.outbox.sending(card.id)
    assert [delivery.key for delivery in await store.due()] == [f"card:{two.id}"]
    await store.outbox.sent(card.id, card.revision, "m1", NOW)
    assert {delivery.key for delivery in await store.due()} == {f"answer:{one.id}:1", f"card:{two.id}"}


async def test_deliveries_of_no_task_do_not_wait_for_each_other(store: Parts) -> None:
    for number in range(3):
        await store.outbox.put(NewDelivery(f"w{number}", DeliveryKind.WHISPER, "C5", "x"), NOW)
    assert len(await store.due()) == 3
    assert len(await store.outbox.due(NOW, 2)) == 2


async def test_a_card_that_changed_while_it_was_sent_is_due_again(store: Parts) -> None:
    await store.add()
    (card,) = await store.due()
    await store.outbox.sending(card.id)
    await store.claim()
    assert await store.due() == []
    await store.outbox.sent(card.id, card.revision, "m1", NOW)
    (edit,) = await store.due()
    assert (edit.id, edit.message, edit.revision) == (card.id, "m1", card.revision + 1)
    await store.outbox.sent(edit.id, edit.revision, "m1", NOW)
    assert await store.due() == []


async def test_a_refused_delivery_lets_the_next_one_go(store: Parts) -> None:
    task = await store.ended("k", State.DONE)
    (card,) = await store.due()
    await store.outbox.refused(card.id, "channel_not_found", NOW)
    (answer,) = await store.due()
    assert (answer.key, answer.thread) == (f"answer:{task.id}:1", None)
    await store.outbox.refused(answer.id, "channel_not_found", NOW)
    assert await store.due() == []
    assert await store.outbox.next_due() is None


async def test_moving_a_task_sends_its_card_first_and_anew(store: Parts) -> None:
    task = await store.add()
    await store.deliver_all()
    await store.settle(await store.claim(), State.DONE)
    (card,) = await store.due()
    await store.outbox.sent(card.id, card.revision, None, NOW)
    (answer,) = await store.due()
    await store.outbox.sending(answer.id)
    await store.outbox.part_sent(answer.id, "m9")
    await store.outbox.put_off(answer.id, NOW + SECOND, "is_archived", in_doubt=False)

    await store.outbox.move_to(task.id, "D1", NOW)
    moved = await store.queue.task(task.id)
    assert (moved.channel, moved.thread) == ("D1", None)
    (card,) = await store.due()
    assert (card.key, card.channel, card.thread, card.message) == (f"card:{task.id}", "D1", None, None)
    await store.outbox.sent(card.id, card.revision, "d1", NOW)
    (answer,) = await store.due()
    assert (answer.key, answer.channel, answer.thread) == (f"answer:{task.id}:1", "D1", "d1")
    assert (answer.parts_sent, answer.message, answer.tries) == (0, None, 0)


async def test_moving_does_not_send_again_what_has_arrived(store: Parts) -> None:
    task = await store.ended("k", State.DONE)
    await store.deliver_all()
    await store.outbox.move_to(task.id, "D1", NOW)
    assert await store.deliver_all() == [f"card:{task.id}"]


async def test_a_card_given_up_is_sent_where_the_task_moves(store: Parts) -> None:
    task = await store.add()
    (card,) = await store.due()
    await store.outbox.refused(card.id, "not_in_channel", NOW)
    await store.outbox.move_to(task.id, "D1", NOW)
    assert await store.deliver_all() == [f"card:{task.id}"]


@pytest.mark.parametrize("message", [None, "17.9"])
async def test_a_card_given_up_is_tried_again_once_it_says_something_else(
    store: Parts, message: str | None
) -> None:
    await store.add()
    (card,) = await store.due()
    await store.outbox.sent(card.id, card.revision, message, NOW)
    claim = await store.claim()
    await store.outbox.refused(card.id, "no", NOW)
    await store.queue.progress(claim, "reading", NOW)
    assert await store.due() == [], "each word of progress would be refused again"
    await store.settle(claim, State.DONE, NOW + SECOND)
    (again,) = await store.due(NOW + SECOND)
    assert (again.id, again.message, again.due_at) == (card.id, message, NOW + SECOND)


async def test_a_question_given_up_is_tried_again_once_it_is_over(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    new = NewQuestion(QuestionKind.QUESTION, "Which queue first?")
    question = await store.questions.ask(claim, new, NOW + SECOND, NOW)
    (card,) = await store.due()
    await store.outbox.sent(card.id, card.revision, "17.9", NOW)
    (told,) = await store.due()
    await store.outbox.refused(told.id, "no", NOW)
    assert await store.due() == []
    await store.questions.answer(question.id, "payments", "U1", "k", NOW)
    assert told.key in await store.deliver_all()


async def test_no_such_task_is_moved(store: Parts) -> None:
    with pytest.raises(NotFound):
        await store.outbox.move_to(99, "D1", NOW)


async def test_a_card_that_may_have_arrived_is_beginning_its_thread_until_its_message_is_known(
    store: Parts,
) -> None:
    await store.add()
    (card,) = await store.due()
    assert not await store.outbox.is_beginning("C1")
    await store.outbox.sending(card.id)
    assert await store.outbox.is_beginning("C1")
    assert not await store.outbox.is_beginning("C2")
    await store.outbox.put_off(card.id, NOW, "no answer", in_doubt=True)
    assert await store.outbox.is_beginning("C1")
    await store.outbox.put_off(card.id, NOW, "connection refused", in_doubt=False)
    assert not await store.outbox.is_beginning("C1")
    await store.outbox.sending(card.id)
    await store.outbox.sent(card.id, card.revision, "17.9", NOW)
    assert not await store.outbox.is_beginning("C1")
    await store.settle(await store.claim(), State.DONE)
    await store.outbox.sending(card.id)
    assert not await store.outbox.is_beginning("C1"), "its thread has begun"
