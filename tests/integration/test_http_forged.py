"""HTTP mode: what bears no signature at all, or comes another way, is refused quietly."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.manifest import REQUESTS
from tests.integration.test_http import JSON, HttpRoom, http_room, mention


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[HttpRoom]:
    async with http_room(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Slack-Request-Timestamp", "soon"),
        ("X-Slack-Request-Timestamp", ""),
        ("X-Slack-Request-Timestamp", "9" * 5_000),
        ("X-Slack-Request-Timestamp", "-1"),
        ("X-Slack-Signature", "v0=é"),
        ("X-Slack-Signature", ""),
    ],
)
async def test_what_is_no_signature_at_all_is_refused_as_one_that_is_wrong(
    at: HttpRoom, name: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = mention()
    status, _ = await at.post(body.encode(), {**at.signed(body), name: value})
    assert status == 401
    assert await at.tasks() == []
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(("way", "path", "status"), [("GET", REQUESTS, 405), ("POST", "/", 404)])
async def test_another_address_or_way_is_refused(at: HttpRoom, way: str, path: str, status: int) -> None:
    body = mention()
    async with (
        aiohttp.ClientSession() as http,
        http.request(way, at.door.url + path, data=body.encode(), headers=at.signed(body)) as response,
    ):
        assert response.status == status
    assert await at.tasks() == []


async def test_a_check_of_the_certificate_brings_nothing_else_along(at: HttpRoom) -> None:
    forged = {**json.loads(mention()), "ssl_check": "1"}
    forged["event"]["type"] = "message"
    status, _ = await at.post(json.dumps(forged).encode(), JSON)
    assert status == 200
    assert await at.tasks() == []
    assert (at.door.ear.heard_at, list(at.door.ear.messages)) == (None, [])


async def test_a_flood_of_what_is_refused_does_not_flood_the_log(
    at: HttpRoom, caplog: pytest.LogCaptureFixture
) -> None:
    body = mention()
    for _ in range(2):
        for _ in range(5):
            await at.post(b"{", JSON)
            await at.post(body.encode(), JSON)
        assert (await at.post(body.encode(), at.signed(body)))[0] == 200
    assert len([record for record in caplog.records if record.name in ("bot.http", "bot.app")]) == 2
