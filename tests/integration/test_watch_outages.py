"""The watch when its own means fail: a restart, a Slack that is down, a database that refuses."""

import pytest

from bot.views.alert import ACKNOWLEDGE
from tests.integration.post_room import ANA, OPS, PAYMENTS
from tests.integration.watch_room import (
    FULL,
    HOUR,
    LOOK,
    MINUTE,
    POST,
    WatchRoom,
    deaf,
    key_refused,
    opened,
    over,
    stalled,
)

__all__ = ["over"]


def sound(over: WatchRoom) -> bool:
    """Whether it would ping."""
    return over.watch.sound


async def test_the_next_process_goes_on_in_the_same_thread(over: WatchRoom) -> None:
    await key_refused(over)
    await over.look()
    (alarm,) = over.alarms()
    over.restart()
    await over.look(16 * MINUTE)
    assert len(over.replies()) == 1
    over.restart()
    assert (await over.watch.acknowledge("gate:account", ANA)).startswith("Acknowledged.")
    over.restart()
    await over.look(HOUR)
    assert len(over.replies()) == 1
    over.restart()
    await opened(over)
    await over.look()
    assert over.replies()[-1].endswith("after 1 h 16 min. 0 tasks delayed, 0 expired.")
    assert over.alarms() == [alarm]


async def test_what_only_time_shows_still_stands_after_a_restart(over: WatchRoom) -> None:
    await stalled(over)
    await deaf(over)
    assert len(over.alarms()) == 2
    over.restart()
    await over.look()
    assert len(over.alarms()) == 2
    assert over.replies() == []


@pytest.mark.parametrize("kind", ["500", "timeout", "429"])
async def test_while_slack_is_down_the_alarm_waits(over: WatchRoom, kind: str) -> None:
    over.room.slack.fault(POST, kind, times=3)  # type: ignore[arg-type]
    await key_refused(over)
    for _ in range(3):
        await over.look(LOOK)
        assert over.room.posts() == []
    await over.look(LOOK)
    assert len(over.alarms()) == 1


async def test_a_refusal_of_slack_is_logged_and_tried_again(
    over: WatchRoom, caplog: pytest.LogCaptureFixture
) -> None:
    over.room.slack.fault(POST, "error", error="not_in_channel")
    await key_refused(over)
    await over.look()
    assert "alarm gate:account cannot be told: Slack refused: not_in_channel" in caplog.text
    await over.look()
    assert len(over.alarms()) == 1


async def test_blocks_that_slack_refuses_become_text(over: WatchRoom) -> None:
    over.room.slack.fault(POST, "error", error="invalid_blocks")
    await key_refused(over)
    await over.look()
    (alarm,) = over.alarms()
    assert alarm.blocks == []
    assert "ANTHROPIC_API_KEY" in alarm.text


async def test_a_message_that_arrived_unnoticed_is_not_posted_twice(over: WatchRoom) -> None:
    over.room.slack.fault(POST, "reset", times=1)
    await key_refused(over)
    await over.look()
    await over.look()
    assert len(over.alarms()) == 1
    over.room.slack.fault(POST, "reset", times=1)
    await over.look(16 * MINUTE)
    await over.look()
    assert len(over.replies()) == 1
    over.room.slack.fault(POST, "reset", times=1)
    await opened(over)
    await over.look()
    await over.look()
    assert len(over.replies()) == 2
    assert await over.room.store.alarms.all() == []


async def test_a_process_that_died_between_post_and_note_posts_nothing_twice(over: WatchRoom) -> None:
    over.room.slack.fault(POST, "reset", times=1)
    await key_refused(over)
    await over.look()
    over.restart()
    await over.look()
    assert len(over.alarms()) == 1
    over.room.slack.fault(POST, "reset", times=1)
    await opened(over)
    await over.look()
    over.restart()
    await over.look()
    assert len(over.replies()) == 1


async def test_what_was_over_before_slack_was_back_is_told_all_the_same(over: WatchRoom) -> None:
    over.room.slack.fault(POST, "500", times=2)
    await key_refused(over)
    await over.look(LOOK)
    await opened(over)
    await over.look(LOOK)
    assert over.room.posts() == []
    await over.look(LOOK)
    (alarm,) = over.alarms()
    assert ACKNOWLEDGE not in str(alarm.blocks)
    assert len(over.replies()) == 1


async def test_a_thread_that_is_gone_is_left_for_the_channel(over: WatchRoom) -> None:
    await key_refused(over)
    await over.look()
    over.room.slack.fault(POST, "error", error="thread_not_found")
    await over.look(16 * MINUTE)
    assert [message.is_reply for message in over.room.posts()] == [False, False]


async def test_a_database_that_refuses_is_told_from_memory(over: WatchRoom) -> None:
    await over.look()
    assert sound(over)
    with over.refusing():
        await over.look(LOOK)
        (alarm,) = over.alarms()
        assert "the disk failed" in str(alarm.blocks)
        assert await over.watch.acknowledge("database", ANA)
        await over.look(HOUR)
        assert not sound(over)
        assert over.alarms() == [alarm]
        assert over.replies() == []
    await over.look(LOOK)
    assert sound(over)
    assert over.replies()[-1].endswith("after 1 h. 0 tasks delayed, 0 expired.")
    assert await over.room.store.alarms.all() == []


async def test_what_was_told_while_the_database_refused_is_kept_later(over: WatchRoom) -> None:
    with over.refusing():
        over.disk = FULL
        for _ in range(3):
            await over.look()
    await over.look()
    (kept,) = await over.room.store.alarms.all()
    assert (kept.key, kept.channel) == ("disk", OPS)
    over.restart()
    await over.look()
    assert len(over.alarms()) == 2, "disk and database, each once"


async def test_a_closed_database_hides_the_queue_but_ends_no_alarm(over: WatchRoom) -> None:
    await key_refused(over)
    await over.look()
    await over.room.store.close()
    await over.look(LOOK)
    assert [message.blocks[-1]["elements"][0]["value"] for message in over.alarms()] == [
        "gate:account",
        "database",
    ]
    assert over.replies() == []


async def test_the_end_of_an_alarm_waits_for_the_channel_that_was_told_of_it(
    over: WatchRoom, caplog: pytest.LogCaptureFixture
) -> None:
    await key_refused(over)
    await over.look()
    over.restart(channel="")
    await over.look(HOUR)
    await opened(over)
    await over.look(HOUR)
    assert over.replies() == []
    assert "alarm gate:account still stands" in caplog.text
    assert "alarm gate:account is over" in caplog.text
    over.restart()
    await over.look()
    (reply,) = over.replies()
    assert reply.startswith("Recovered at ")
    assert await over.room.store.alarms.all() == []


async def test_an_alarm_told_in_a_channel_that_is_gone_goes_on_in_the_one_configured_now(
    over: WatchRoom,
) -> None:
    await key_refused(over)
    await over.look()
    assert (await over.watch.acknowledge("gate:account", ANA)).startswith("Acknowledged.")
    over.restart(channel=PAYMENTS)
    await over.look(HOUR)
    (anew,) = over.room.posts(PAYMENTS)
    assert "ANTHROPIC_API_KEY" in str(anew.blocks)
    assert ACKNOWLEDGE not in str(anew.blocks)
    over.restart(channel=PAYMENTS)
    await opened(over)
    await over.look()
    assert [message.is_reply for message in over.room.posts(PAYMENTS)] == [False, True]
    assert over.replies() == []
    assert await over.room.store.alarms.all() == []


async def test_the_end_of_an_alarm_told_in_a_channel_that_is_gone_closes_it(over: WatchRoom) -> None:
    await key_refused(over)
    await over.look()
    await opened(over)
    over.restart(channel=PAYMENTS)
    await over.look()
    assert await over.room.store.alarms.all() == []
    assert over.replies() == []
    await key_refused(over)
    await over.look()
    assert len(over.room.posts(PAYMENTS)) == 1
