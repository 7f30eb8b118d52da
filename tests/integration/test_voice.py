"""A bot token that Slack refuses while its sockets live: silence outside, one line in the log."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.chat import SlackChat
from tests.integration.watch_room import LOOK, MINUTE, WatchRoom, key_refused, opened, watch_room

AUTH = "auth.test"


@pytest.fixture
async def over(tmp_path: Path) -> AsyncIterator[WatchRoom]:
    async with watch_room(tmp_path) as made:
        yield made


def sound(over: WatchRoom) -> bool:
    return over.watch.sound


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "bot.voice"]


async def test_a_refused_token_ends_the_signs_of_life_and_is_logged_every_quarter_of_an_hour(
    over: WatchRoom, caplog: pytest.LogCaptureFixture
) -> None:
    await over.look()
    assert sound(over)
    over.room.slack.fault(AUTH, "error", times=2 * 60 + 2, error="token_revoked")
    await over.look()
    assert not sound(over)
    (first,) = said(caplog)
    assert "token_revoked" in first
    assert "SLACK_BOT_TOKEN" in first
    await over.look(14 * MINUTE)
    assert len(said(caplog)) == 1
    await over.look(16 * MINUTE)
    assert said(caplog) == [first] * 3
    over.room.slack.recover()
    await over.look(LOOK)
    assert sound(over)
    assert said(caplog)[3:] == ["Slack takes the bot token again"]


async def test_what_could_not_be_told_is_told_when_the_token_works_again(
    over: WatchRoom, caplog: pytest.LogCaptureFixture
) -> None:
    over.room.slack.fault(AUTH, "error", times=1000, error="invalid_auth")
    await key_refused(over)
    await over.look(5 * MINUTE)
    assert over.alarms() == []
    assert not any("cannot be told" in record.getMessage() for record in caplog.records)
    over.room.slack.recover()
    await over.look(LOOK)
    assert len(over.alarms()) == 1
    await opened(over)
    await over.look(LOOK)
    assert over.replies()[-1].startswith("Recovered")


async def test_a_slack_that_does_not_answer_has_refused_nothing(
    over: WatchRoom, caplog: pytest.LogCaptureFixture
) -> None:
    over.room.slack.fault(AUTH, "500", times=2)
    with caplog.at_level(logging.WARNING):
        await over.look(2 * LOOK)
    assert sound(over)
    assert said(caplog) == []


async def test_a_token_that_never_worked_is_refused_by_slack_itself(over: WatchRoom) -> None:
    over.room.chat = SlackChat("xoxb-revoked", over.room.slack.api_url)
    over.restart()
    await over.look()
    assert not sound(over)
