"""The doctor, with each thing broken that can be: what it then says, and what of everything else."""

import copy
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.doctor import slack
from bot.doctor.finding import Level
from bot.doctor.line import EVENTS, Place, of_running
from bot.doctor.ports import Vital
from bot.doctor.report import printed
from bot.manifest import READS_CHANNELS, variant
from bot.probes import Probes, SlackProbe
from dispatch.clock import SystemClock
from dispatch.store import Store
from dispatch.store.lock import FileLock
from tests.integration.doctor_room import ANA, OPS, RANDOM, SECRET, Ward, ward
from tests.integration.rehearsal_slack import MANIFEST, manifest_with

SCOPES = frozenset(MANIFEST["oauth_config"]["scopes"]["bot"])


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Ward]:
    async with ward(tmp_path) as made:
        yield made


async def test_all_is_well(room: Ward) -> None:
    found = await room.look()
    assert {each.level for each in found.values()} == {Level.OK, Level.UNKNOWN}
    assert [name for name, each in found.items() if each.level is Level.UNKNOWN] == ["slash command"]
    assert room.claude.served == [], "nothing was paid for"
    assert room.slack.messages(OPS) == [], "its message is gone"
    assert room.calls("apps.connections.open") == 1
    assert room.slack.pings == []


async def test_a_missing_scope(tmp_path: Path) -> None:
    async with ward(tmp_path, manifest_with(drop=("files:write", "users:read"))) as room:
        failures = await room.failures()
        assert failures.keys() == {"slack scopes"}
        assert failures["slack scopes"].saw == "files:write, users:read missing"
        assert "reinstall the app" in failures["slack scopes"].fix


async def test_the_minimal_manifest_is_well_but_for_what_it_cannot_hear(tmp_path: Path) -> None:
    async with ward(tmp_path, variant(minimal=True)) as room:
        found = await room.look()
        assert found["slack scopes"].level is Level.OK
        assert "minimal" in found["slack scopes"].saw
        assert found[EVENTS].level is Level.UNKNOWN, "a channel would stay silent"
        assert room.calls("chat.postMessage") == 0
        room.change("operators", people=[ANA])
        assert (await room.look())[EVENTS].level is Level.OK


async def test_part_of_what_the_minimal_one_leaves_out_is_a_gap(tmp_path: Path) -> None:
    async with ward(tmp_path, manifest_with(drop=(READS_CHANNELS["message.groups"],))) as room:
        assert (await room.failures()).keys() == {"slack scopes"}


async def test_a_revoked_bot_token(room: Ward) -> None:
    room.change("slack", bot_token="xoxb-revoked")
    found = await room.look()
    assert found["slack token"].level is Level.FAILURE
    assert "invalid_auth" in found["slack token"].saw
    assert found["slack scopes"].level is Level.UNKNOWN
    assert found["slack socket"].level is Level.OK
    assert found[EVENTS].level is Level.UNKNOWN, "never a false green"
    assert found["model opus"].level is Level.OK


async def test_a_wrong_app_token(room: Ward) -> None:
    room.change("slack", app_token="xapp-wrong")
    found = await room.look()
    assert found["slack socket"].level is Level.FAILURE
    assert "SLACK_APP_TOKEN" in found["slack socket"].fix
    assert found[EVENTS].level is Level.UNKNOWN


async def test_no_socket_mode(tmp_path: Path) -> None:
    without = copy.deepcopy(dict(MANIFEST))
    without["settings"]["socket_mode_enabled"] = False
    async with ward(tmp_path, without) as room:
        failures = await room.failures()
        assert failures.keys() == {"slack socket"}
        assert "Switch on Socket Mode" in failures["slack socket"].fix


async def test_one_connection_a_minute_is_not_held_against_it(room: Ward) -> None:
    room.slack.fault("apps.connections.open", "429", retry_after=42)
    found = await room.look()
    assert (found["slack socket"].level, found[EVENTS].level) == (Level.UNKNOWN, Level.UNKNOWN)
    assert "wait 42 s" in found["slack socket"].saw


async def test_events_that_are_not_subscribed_do_not_come(tmp_path: Path) -> None:
    async with ward(tmp_path, manifest_with(events=("app_mention",))) as room:
        failures = await room.failures()
        assert failures.keys() == {EVENTS}
        assert "none came within" in failures[EVENTS].saw
        assert room.slack.messages(OPS) == []


async def test_a_message_that_cannot_be_deleted_is_named(room: Ward) -> None:
    room.slack.fault("chat.delete", "error", error="cant_delete_message")
    found = await room.look()
    assert found[EVENTS].level is Level.WARNING
    assert "cant_delete_message" in found[EVENTS].saw


async def test_another_process_with_the_same_app_is_noticed(tmp_path: Path) -> None:
    async with ward(tmp_path, manifest_with(events=("app_mention",))) as room, Probes(5) as probes:
        conf = room.settings.slack
        async with SlackProbe(probes, conf.api_url, conf.bot_token, conf.app_token).socket():
            found = await room.look()
    assert found["slack socket"].level is Level.WARNING
    assert "1 other socket" in found["slack socket"].saw
    assert found[EVENTS].level is Level.UNKNOWN, "the other may have heard it"


class Elsewhere:
    """A running Onequeue that hears much, but no message."""

    async def vital(self) -> Vital:
        return Vital(2, SystemClock().now(), frozenset({"1763899200.000100"}))


async def test_other_requests_do_not_stand_for_events(room: Ward) -> None:
    async with Probes(5) as probes:
        conf = room.settings.slack
        probe = SlackProbe(probes, conf.api_url, conf.bot_token, conf.app_token)
        place = Place(ANA, OPS, frozenset())
        lines, events = await of_running(Elsewhere(), probe, place, SystemClock(), 2, patience=0.3)
    assert (lines.level, events.level) == (Level.OK, Level.FAILURE)
    assert room.slack.messages(room.slack.dm("ana")) == []
    assert room.calls("chat.delete") == 1


async def test_what_others_say_meanwhile_is_left_for_them_who_run_next(room: Ward) -> None:
    room.slack.duplicate(50)
    assert (await room.look())[EVENTS].level is Level.OK
    acked = [e.payload["event"] for e in room.slack.state.envelopes if e.state == "acked"]
    assert [event["user"] for event in acked] == ["UBOT00001"]


@pytest.mark.parametrize(
    ("section", "values", "channel", "level", "said"),
    [
        ("digest", {"channel": RANDOM}, RANDOM, Level.FAILURE, "the bot is not in #random"),
        ("operators", {"channel": SECRET}, SECRET, Level.FAILURE, "channel_not_found"),
        ("channels", {RANDOM: {"digest": True}}, RANDOM, Level.FAILURE, "the bot is not in #random"),
        ("channels", {RANDOM: {"default_priority": 3}}, RANDOM, Level.WARNING, "the bot is not in #random"),
        ("channels", {"CNONE0001": {"default_priority": 3}}, "CNONE0001", Level.FAILURE, "channel_not_found"),
    ],
)
async def test_a_channel_without_the_bot(
    room: Ward, section: str, values: dict[str, object], channel: str, level: Level, said: str
) -> None:
    room.change(section, **values)
    found = (await room.look())[f"channel {channel}"]
    assert found.level is level
    assert said in found.saw
    assert "/invite @onequeue" in found.fix


async def test_an_archived_channel_and_no_channel_at_all(room: Ward) -> None:
    room.slack.state.channels[OPS].archived = True
    assert (await room.look())[f"channel {OPS}"].saw == "#ops is archived"
    room.change("digest", channel="")
    assert (await room.look())["channels"].level is Level.WARNING


async def test_where_only_a_channel_is_told_of_itself_a_digest_is_posted(room: Ward) -> None:
    room.change("digest", channel="")
    assert "no digest is posted" in (await room.look())["channels"].saw
    room.change("channels", **{OPS: {"digest": True}})
    found = await room.look()
    assert found["channels"].saw == (
        "no channel for digest or operators is set: only channels are told of their own tasks, alarms are in "
        "the log alone"
    )
    assert found[f"channel {OPS}"].level is Level.OK


async def test_a_clock_that_is_ten_minutes_off(room: Ward) -> None:
    def moved(by: timedelta) -> datetime:
        return SystemClock().now() + by

    for off, level, said in (
        (timedelta(minutes=10), Level.FAILURE, "ahead of Slack"),
        (timedelta(minutes=-10), Level.FAILURE, "behind Slack"),
        (timedelta(seconds=30), Level.WARNING, "ahead of Slack"),
        (timedelta(0), Level.OK, "apart"),
    ):
        async with Probes(5) as probes:
            probe = SlackProbe(probes, room.slack.api_url, room.slack.bot_token, "")
            found = await slack.token(probe, SCOPES, frozenset(), partial(moved, off))
        (clock,) = [each for each in found if each.name == "clock"]
        assert (clock.level, clock.saw.endswith(said)) == (level, True)


async def test_a_refused_key(room: Ward) -> None:
    room.change("anthropic", api_key="sk-ant-sim-wrong")
    failures = await room.failures()
    assert failures.keys() == {"model opus", "model sonnet", "model haiku"}
    assert "401 authentication_error" in failures["model opus"].saw
    assert "ANTHROPIC_API_KEY" in failures["model opus"].fix


async def test_a_model_that_is_not_there_and_has_no_price(room: Ward) -> None:
    room.change("tiers", haiku={"model": "claude-pico-1"})
    failures = await room.failures()
    assert failures.keys() == {"model haiku", "price haiku"}
    assert "[tiers.haiku] model" in failures["model haiku"].fix
    assert '[prices."claude-pico-1"]' in failures["price haiku"].fix
    room.change("token_caps", **{"claude-pico-1": 100_000})
    assert (await room.look())["price haiku"].level is Level.WARNING
    some = {"input": 1, "output": 5}
    room.change("prices", **{"claude-pico-1": some})
    assert "no price for cache reads" in (await room.look())["price haiku"].saw
    room.change("prices", **{"claude-pico-1": {**some, "cache_read": 0.1, "cache_write_5m": 1.25}})
    assert (await room.look())["price haiku"].level is Level.OK


async def test_missing_tokens_and_keys(room: Ward) -> None:
    room.change("slack", app_token="")
    room.change("anthropic", api_key="")
    failures = await room.failures()
    assert failures.keys() == {"secrets", "slack socket", "claude key"}
    assert "SLACK_APP_TOKEN" in failures["secrets"].saw
    assert "ANTHROPIC_API_KEY" in failures["secrets"].saw


async def test_a_network_that_hangs_holds_up_only_what_needs_it(room: Ward) -> None:
    for method in ("auth.test", "apps.connections.open", "conversations.info"):
        room.slack.fault(method, "timeout", times=5)
    found = await room.look(limit=3)
    slow = {name for name, each in found.items() if each.saw == "no answer within 3 s"}
    assert slow == {"slack token", "slack line", "channels"}
    assert found["model opus"].level is Level.OK
    assert found["database"].level is Level.OK


async def test_nobody_at_home(room: Ward) -> None:
    await room.slack.close()
    await room.claude.close()
    failures = await room.failures()
    assert {"slack token", "slack line", "channels", "models"} <= failures.keys()
    assert "no answer from Claude" in failures["models"].saw


async def test_a_slack_that_answers_nonsense(room: Ward) -> None:
    room.slack.fault("auth.test", "500", times=5)
    assert "HTTP 500" in (await room.failures())["slack token"].saw


async def test_a_database_that_is_held_by_one_who_does_not_answer(room: Ward) -> None:
    path = room.settings.database
    await (await Store.open(path)).close()
    assert (await room.failures()) == {}
    lock = FileLock(path)
    try:
        failures = await room.failures()
        assert failures.keys() == {"process"}
        assert "holds it and does not answer" in failures["process"].saw
    finally:
        lock.release()


async def test_a_database_beside_its_writer_is_read_and_summed(room: Ward) -> None:
    store = await Store.open(room.settings.database)
    try:
        found = await room.look()
    finally:
        await store.close()
    assert found["database"].level is Level.OK
    assert found["budget"].saw == (
        "$0.00 of today's $100.00 spent, $0.00 reserved, $100.00 left, $10.00 of it kept for p1 and p2"
    )


async def test_a_locked_database(room: Ward) -> None:
    with closing(sqlite3.connect(room.settings.database, isolation_level=None)) as raw:
        raw.execute("CREATE TABLE other (x)")
        raw.execute("BEGIN EXCLUSIVE")
        found = await room.look()
        assert found["database"].level is Level.FAILURE
        assert "locked" in found["database"].saw
        assert found["budget"].level is Level.UNKNOWN
        raw.execute("ROLLBACK")
    assert "another program" in (await room.look())["database"].saw


async def test_a_newer_and_a_damaged_database(room: Ward) -> None:
    path = room.settings.database
    await (await Store.open(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        (version,) = raw.execute("PRAGMA user_version").fetchone()
        raw.execute(f"PRAGMA user_version = {version + 1}")
        assert "newer Onequeue" in (await room.failures())["database"].saw
        raw.execute(f"PRAGMA user_version = {version - 1}")
        older = (await room.look())["database"]
        assert (older.level, f"renews it to version {version}" in older.saw) == (Level.OK, True)
        raw.execute(f"PRAGMA user_version = {version}")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = bytearray(path.read_bytes())
    pages[3 * 4096 : 5 * 4096] = b"\xff" * (2 * 4096)
    path.write_bytes(pages)
    failures = await room.failures()
    assert "database" in failures
    assert "backup" in failures["database"].fix


async def test_what_strangers_call_themselves_does_no_harm(room: Ward) -> None:
    room.slack.state.team_name = f"Acme\x1b[31m\n{room.slack.bot_token} FAIL"
    found = (await room.look())["slack token"]
    assert found.saw == "onequeue in team Acme [redacted] FAIL"
    assert "\x1b" not in printed([found])
