"""A follow-up goes where its parent is by then, whatever the session's claim remembers."""

from pathlib import Path

from dispatch.budget import Budgets
from dispatch.task import Claim
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
