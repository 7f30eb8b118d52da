"""The page's own files: what they travel with, and what they may not contain."""

import re
from collections.abc import AsyncIterator
from importlib.resources import files

import pytest
from aiohttp import ClientSession, web

from bot.rehearsal.page import page_routes

PARTS = {
    part.name: part.read_text()
    for part in files("bot.rehearsal.page").iterdir()
    if part.name.endswith((".js", ".css", ".html", ".svg"))
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(page_routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_every_part_travels_with_the_strict_headers(url: str) -> None:
    paths = ["/", *(f"/page/{name}" for name in PARTS if name != "index.html")]
    async with ClientSession() as session:
        for path in paths:
            async with session.get(url + path) as answer:
                policy = dict(
                    rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; ")
                )
                assert (answer.status, policy) == (200, POLICY)
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["Cache-Control"] == "no-store"


async def test_parts_have_the_type_a_browser_needs(url: str) -> None:
    kinds = {"/": "text/html", "/page/main.js": "text/javascript", "/page/frame.css": "text/css"}
    async with ClientSession() as session:
        for path, kind in kinds.items():
            async with session.get(url + path) as answer:
                assert answer.content_type == kind


@pytest.mark.parametrize(
    "path", ["/page/__init__.py", "/page/../__init__.py", "/page/%2e%2e/__init__.py", "/page/"]
)
async def test_nothing_else_can_be_asked_for(url: str, path: str) -> None:
    async with ClientSession() as session, session.get(url + path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize("name", sorted(PARTS))
def test_no_part_turns_words_into_code_or_reaches_out(name: str) -> None:
    text = PARTS[name].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )
    assert not re.search(r"[\"'(]\s*(?:https?:)?//[\w.]", text)
    assert not re.search(r"<[^>]+\son\w+=|<[^>]+\sstyle=|<script(?![^>]*src=)", text)


@pytest.mark.parametrize("name", sorted(name for name in PARTS if name.endswith(".js")))
def test_a_part_imports_only_parts_that_exist(name: str) -> None:
    imported = re.findall(r"from \"/page/([^\"]+)\"", PARTS[name])
    assert [part for part in imported if part not in PARTS] == []
