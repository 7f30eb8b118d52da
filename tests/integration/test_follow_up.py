"""Follow-ups: of sessions, which go where their parent is by then, and of people, which go on from it."""

from dataclasses import replace
from pathlib import Path

from dispatch.budget import Budgets
from dispatch.dispatcher import FOLLOW_UPS
from dispatch.task import Claim, NewTask, Source
from tests.incidents.money_room import money_room


async def test_a_follow_up_goes_where_its_parent_has_moved_since_it_was_claimed(tmp_path: Path) -> None:
    async with money_room(tmp_path, Budgets()) as room:
        room.claude.hold()
        parent = await room.add(9, "investigate stall", 1_000_000)
        await room.all_held()
        now, outbox = room.clock.now(), room.store.outbox
        await outbox.move_to(parent.id, "D1", now)
        (card,) = await outbox.due(now, 10)
        await outbox.sent(card.id, card.revision, "17.9", now)
        said = await room.dispatcher.follow_up(Claim(parent, 1, now, 1_000_000), "look again", None)
        assert said.startswith(f"Queued as #{parent.id + 1}")
        child = await room.store.queue.task(parent.id + 1)
        assert (child.channel, child.thread, child.parent) == ("D1", "17.9", parent.id)


async def test_a_persons_follow_up_tells_the_real_session_what_was_asked_and_answered(tmp_path: Path) -> None:
    async with money_room(tmp_path, Budgets()) as room:
        parent = await room.add(9, "investigate stall", 1_000_000)
        await room.settled()
        (attempt,) = await room.store.queue.attempts(parent.id)
        new = NewTask(
            "reply:1", Source.MENTION, "U1", "and the refunds?", 9, None, 1_000_000, "C1", "17.9", "18.1"
        )
        await room.dispatcher.submit(replace(new, parent=parent.id, quote_thread=True))
        await room.settled()
        said = room.claude.served[-1].messages[0]["content"]
        told = said if isinstance(said, str) else said[0]["text"]
        assert told.startswith("and the refunds?\n\nThe request goes on from what was asked and answered")
        assert "> #1 was asked: investigate stall" in told
        assert "> It was answered: " + attempt.text.split("\n")[0] in told


async def test_people_may_follow_up_without_end_and_do_not_use_up_what_a_session_may_ask(
    tmp_path: Path,
) -> None:
    async with money_room(tmp_path, Budgets()) as room:
        room.claude.hold()
        parent = await room.add(9, "investigate stall", 1_000_000)
        await room.all_held()
        for number in range(FOLLOW_UPS + 1):
            new = NewTask(f"reply:{number}", Source.MENTION, "U1", "and?", 9, channel="C1", parent=parent.id)
            await room.dispatcher.submit(replace(new, quote_thread=True))
        said = await room.dispatcher.follow_up(Claim(parent, 1, room.clock.now(), 1_000_000), "again", None)
        assert said.startswith("Queued as #")
