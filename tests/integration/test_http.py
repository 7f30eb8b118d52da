"""HTTP mode: signed requests in, stored before they are acknowledged, taken once however often they come."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from bot.app import build, taking
from bot.building import Building
from bot.chat import SlackChat
from bot.config import ConfigError, Settings
from bot.ear import Ear
from bot.http import HEALTH, HttpDoor
from bot.manifest import REQUESTS, manifest
from bot.rehearsal.slack.posting import signed, verifies
from bot.rehearsal.stage import Stage, rehearsed
from dispatch.clock import SystemClock
from dispatch.errors import StoreUnusable
from dispatch.ports import Clock
from dispatch.store import Store
from dispatch.task import NewTask, Task
from tests.fakes.desk import StoreDesk
from tests.integration.front_room import CountingNotifier, FakeAlarms, make_controls, make_intake, make_rights
from tests.integration.post_room import Room, post_room

JSON = {"Content-Type": "application/json"}


class MoodyDesk(StoreDesk):
    """Stores nothing the next `refusing` times."""

    refusing = 0

    async def submit(self, new: NewTask) -> tuple[Task, bool]:
        if self.refusing:
            self.refusing -= 1
            raise StoreUnusable("onequeue.db: the disk is full.")
        return await super().submit(new)


@dataclass
class HttpRoom:
    """A room whose Slack speaks HTTP to a real door."""

    room: Room
    desk: MoodyDesk
    door: HttpDoor

    @property
    def address(self) -> str:
        return self.door.url + REQUESTS

    async def post(self, body: bytes, headers: Mapping[str, str], at: str = "") -> tuple[int, str]:
        """One request by hand: status and text."""
        async with (
            aiohttp.ClientSession() as http,
            http.post(at or self.address, data=BytesIO(body), headers=headers) as response,
        ):
            return response.status, await response.text()

    def signed(self, body: str, at: datetime | None = None, secret: str = "") -> dict[str, str]:
        made = signed(secret or self.room.slack.signing_secret, body, at or SystemClock().now())
        return {**JSON, **made}

    async def tasks(self) -> list[str]:
        return [task.words for task in await self.room.store.queue.open_tasks(100)]


@asynccontextmanager
async def http_room(folder: Path) -> AsyncIterator[HttpRoom]:
    async with post_room(folder) as room:
        me = await room.chat.identity()
        desk, notifier = MoodyDesk(room.store, room.clock), CountingNotifier()
        rights = make_rights(room, me)
        app = build(
            make_intake(room, desk, notifier, me, rights),
            make_controls(room, desk, notifier, FakeAlarms(), rights),
            me,
            room.slack.signing_secret,
        )
        ear = Ear(SystemClock())
        async with HttpDoor(taking(app, ear), "127.0.0.1", 0, ear) as door:
            room.slack.deliver_to(door.url + REQUESTS)
            yield HttpRoom(room, desk, door)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[HttpRoom]:
    async with http_room(tmp_path) as opened:
        yield opened


def mention(ts: str = "1763899200.000100", words: str = "p3 investigate stall") -> str:
    event = {
        "type": "app_mention",
        "user": "UANA00001",
        "text": f"<@UBOT00001> {words}",
        "ts": ts,
        "channel": "COPS00001",
        "event_ts": ts,
    }
    return json.dumps(
        {"type": "event_callback", "team_id": "TACME0001", "event_id": f"Ev{ts}", "event": event}
    )


async def test_commands_mentions_and_presses_arrive_and_are_acknowledged(at: HttpRoom) -> None:
    slack = at.room.slack
    assert (await slack.slash("ana", "ops", "p3 hello & <goodbye>")).startswith("Queued as #1 · p3 · Opus · ")
    await slack.say("ana", "#ops", "@Onequeue p5 and this")
    await slack.wait_for(lambda state: all(e.state == "acked" for e in state.envelopes))
    assert sorted(await at.tasks()) == ["and this", "hello & <goodbye>"]
    assert at.door.ear.heard_at is not None
    assert await at.door.connected() == 1


async def test_the_address_is_proved_to_slack(at: HttpRoom) -> None:
    secret = at.room.slack.signing_secret
    assert await verifies(at.address, secret, SystemClock().now)
    assert not await verifies(at.address, "another-secret", SystemClock().now)


@pytest.mark.parametrize(
    "broken", ["no signature", "another secret", "another body", "too old", "of tomorrow"]
)
async def test_what_slack_has_not_signed_just_now_is_refused(at: HttpRoom, broken: str) -> None:
    body, now = mention(), SystemClock().now()
    headers = {
        "no signature": dict(JSON),
        "another secret": at.signed(body, secret="guessed"),
        "another body": at.signed(body + " "),
        "too old": at.signed(body, now - timedelta(minutes=5, seconds=5)),
        "of tomorrow": at.signed(body, now + timedelta(days=1)),
    }[broken]
    status, _ = await at.post(body.encode(), headers)
    assert status == 401
    assert await at.tasks() == []
    assert at.door.ear.heard_at is None


async def test_a_request_that_is_old_but_in_time_is_taken(at: HttpRoom) -> None:
    body = mention()
    moment = SystemClock().now() - timedelta(minutes=4)
    assert (await at.post(body.encode(), at.signed(body, moment)))[0] == 200


async def test_the_same_event_again_is_one_task(at: HttpRoom) -> None:
    body = mention()
    for _ in range(3):
        assert (await at.post(body.encode(), at.signed(body)))[0] == 200
    assert await at.tasks() == ["investigate stall"]


async def test_what_cannot_be_stored_is_answered_503_and_comes_again_as_one_task(at: HttpRoom) -> None:
    at.desk.refusing = 1
    body = mention()
    status, _ = await at.post(body.encode(), at.signed(body))
    assert status == 503
    assert await at.tasks() == []
    assert (await at.post(body.encode(), at.signed(body)))[0] == 200
    assert await at.tasks() == ["investigate stall"]


async def test_slack_sends_again_what_was_not_stored(at: HttpRoom) -> None:
    at.desk.refusing = 4
    slack = at.room.slack
    await slack.say("ana", "#ops", "@Onequeue p3 investigate stall")
    await slack.wait_for(lambda state: sum(e.state == "timeout" for e in state.envelopes) == 4)
    at.room.clock.advance(timedelta(seconds=61))
    slack.tick()
    await slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))
    assert await at.tasks() == ["investigate stall"]
    tries = [e.retry_attempt for e in slack.state.envelopes if e.payload["event"]["type"] == "app_mention"]
    assert tries == [0, 1, 2]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (1024 * 1024 + 1), 413),
        (b"\xff\xfe", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b'{"team": 1, "event": "x"}', 400),
        (b"{}", 401),
        (b"", 401),
    ],
    ids=["too large", "no text", "no JSON", "a list", "deep", "misshapen", "unsigned", "empty"],
)
async def test_what_is_too_large_or_no_request_is_refused(at: HttpRoom, body: bytes, status: int) -> None:
    assert (await at.post(body, JSON))[0] == status


async def test_a_signed_request_that_makes_no_sense_is_refused(at: HttpRoom) -> None:
    body = urlencode({"command": "/other", "text": "hello"})
    form = {**at.signed(body), "Content-Type": "application/x-www-form-urlencoded"}
    assert (await at.post(body.encode(), form))[0] == 404


async def test_slack_may_check_the_certificate(at: HttpRoom) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await at.post(b"ssl_check=1&token=anything", form))[0] == 200
    assert await at.tasks() == []


async def test_health_is_seen_without_a_signature(at: HttpRoom) -> None:
    async with aiohttp.ClientSession() as http, http.get(at.door.url + HEALTH) as response:
        assert (response.status, await response.text()) == (200, "ok")


class Slow:
    """Takes a request when it is let."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let = asyncio.Event()
        self.taken = asyncio.Event()

    async def take(self, _: web.Request) -> web.Response:
        self.begun.set()
        await self.let.wait()
        self.taken.set()
        return web.Response(text="stored")


async def test_at_the_end_what_is_under_way_is_still_answered(at: HttpRoom) -> None:
    slow, clock = Slow(), SystemClock()
    async with HttpDoor(slow.take, "127.0.0.1", 0, Ear(clock)) as door:
        asking = asyncio.create_task(at.post(b"x", {}, door.url + REQUESTS))
        await slow.begun.wait()
        closing = asyncio.create_task(door.__aexit__(None, None, None))
        await until_refused(at, door, clock)
        assert not asking.done()
        slow.let.set()
        assert await asking == (200, "stored")
        await closing
        assert await door.connected() == 0


async def until_refused(at: HttpRoom, door: HttpDoor, clock: Clock) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                await at.post(b"x", {}, door.url + "/nowhere")
            except aiohttp.ClientConnectorError:
                return
            await clock.sleep(0.01)


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"slack\.http: cannot listen at http://127\.0\.0\.1:{port}"):
            async with HttpDoor(Slow().take, "127.0.0.1", port, Ear(SystemClock())):
                pytest.fail("it listens")


async def test_a_request_that_slack_no_longer_waits_for_is_still_taken(at: HttpRoom) -> None:
    slow, clock = Slow(), SystemClock()
    async with HttpDoor(slow.take, "127.0.0.1", 0, Ear(clock)) as door:
        async with aiohttp.ClientSession() as http:
            asking = asyncio.create_task(http.post(door.url + REQUESTS, data=BytesIO(b"x")))
            await slow.begun.wait()
            asking.cancel()
            await asyncio.wait({asking})
        slow.let.set()
        async with asyncio.timeout(5):
            await slow.taken.wait()


async def test_the_watch_expects_one_line(tmp_path: Path) -> None:
    settings = Settings.model_validate({"slack": {"http": "127.0.0.1:3000"}})
    store = await Store.open(tmp_path / "onequeue.db")
    try:
        building = Building(settings, store, SlackChat("xoxb-1", "http://127.0.0.1:1/"), SystemClock())
        assert building.watch._bounds.lines == 1
    finally:
        await store.close()


def test_a_rehearsal_is_heard_over_its_own_sockets(tmp_path: Path) -> None:
    settings = Settings.model_validate({"slack": {"http": "127.0.0.1:3000"}})
    stage = Stage(manifest(), now=SystemClock().now, port=0, real_claude=True, zone="UTC")
    assert rehearsed(settings, stage, tmp_path / "onequeue.db").slack.http == ""
