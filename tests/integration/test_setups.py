"""The setup of a project: shut in like a session, or as it is where that is wanted, and gone at its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dispatch.clock import SystemClock
from dispatch.errors import NoPlace, Unreachable
from dispatch.means import Project
from dispatch.ports import Place
from dispatch.runners.claude_code import Isolation, JailedSetups, Level
from dispatch.runners.claude_code.jail import PATH, isolation
from tests.integration.agent_room import marked
from tests.integration.processes import end, running

CANARY = "canary-4711"
BARE = {"PATH": ":".join(PATH), "HOME": "/nonexistent"}


async def no_jail() -> Isolation:
    return Isolation(Level.NONE, "bwrap not found")


class Site:
    """A place, and the two ways to set it up."""

    def __init__(self, folder: Path) -> None:
        self.runs = folder / "runs"
        self.place = folder / "place"
        self.place.mkdir()
        self.jailed = JailedSetups(self.runs, isolation)
        self.bare = JailedSetups(self.runs, no_jail, BARE, seconds=2)

    async def set_up(self, setups: JailedSetups, setup: str, *domains: str) -> None:
        await setups.run(Project("payments", self.place, setup=setup, domains=domains), Place(self.place))

    def said(self, name: str = "said") -> str:
        return (self.place / name).read_text()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("SLACK_BOT_TOKEN", f"xoxb-{CANARY}")
    (tmp_path / "secret").write_text(CANARY)
    return Site(tmp_path)


@pytest.fixture(params=["bare", pytest.param("jailed", marks=pytest.mark.long)])
def setups(site: Site, request: pytest.FixtureRequest) -> JailedSetups:
    return site.bare if request.param == "bare" else site.jailed


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    """A web server on 127.0.0.2 that answers everything with one word; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    serving = await asyncio.start_server(answer, "127.0.0.2", 0)
    try:
        yield serving.sockets[0].getsockname()[1]
    finally:
        serving.close()


async def test_it_runs_in_the_place_with_nothing_of_ours(site: Site, setups: JailedSetups) -> None:
    await site.set_up(setups, "env > said; pwd > where")
    assert site.said("where").strip() == str(site.place)
    assert "PATH=" in site.said()
    assert CANARY not in site.said()


async def test_a_failure_has_its_last_words(site: Site, setups: JailedSetups) -> None:
    with pytest.raises(NoPlace, match="the setup of payments failed: ") as caught:
        await site.set_up(setups, "yes | head -c 3000000; echo no such lock; exit 3")
    assert str(caught.value).endswith("no such lock")
    assert len(str(caught.value)) < 600
    with pytest.raises(NoPlace, match="it ended with 4"):
        await site.set_up(setups, "exit 4")


async def test_nothing_of_it_is_left(site: Site, setups: JailedSetups) -> None:
    await site.set_up(
        setups, "setsid nohup sleep 71235 >/dev/null 2>&1 & sleep 71235 >/dev/null 2>&1 & touch done"
    )
    assert (site.place / "done").exists()
    assert list(site.runs.iterdir()) == []
    assert marked(site.runs) == []
    assert running("sleep 71235") == 0


async def test_it_may_not_take_for_ever(site: Site) -> None:
    with pytest.raises(NoPlace, match="was not done after 2 s"):
        await site.set_up(site.bare, "sleep 71236")
    assert running("sleep 71236") == 0


async def test_what_escapes_it_without_a_jail_keeps_nobody_waiting(site: Site) -> None:
    async with asyncio.timeout(30):
        await site.set_up(site.bare, "env -i setsid sleep 71238 & touch done")
    assert (site.place / "done").exists()
    end("sleep 71238")


async def test_a_cancelled_one_is_ended(site: Site, setups: JailedSetups) -> None:
    setting_up = asyncio.create_task(site.set_up(setups, "touch began; sleep 71237"))
    async with asyncio.timeout(10):
        while not (site.place / "began").exists():
            await SystemClock().sleep(0.02)
    setting_up.cancel()
    await asyncio.wait({setting_up})
    assert setting_up.cancelled()
    assert running("sleep 71237") == 0
    assert list(site.runs.iterdir()) == []


async def test_without_a_jail_it_runs_only_where_that_is_wanted(site: Site) -> None:
    strict = JailedSetups(site.runs, no_jail)
    with pytest.raises(Unreachable, match="bwrap not found"):
        await site.set_up(strict, "touch ran")
    assert not (site.place / "ran").exists()
    await site.set_up(strict, "")


@pytest.mark.long
async def test_in_the_jail_it_reaches_only_its_place(site: Site, tmp_path: Path) -> None:
    tried = [f"cat {tmp_path}/secret", f"ls -A {Path.home()}", "touch /usr/bin/x", "touch /etc/passwd"]
    await site.set_up(site.jailed, f"({'; '.join(tried)}) > said 2>&1; touch mine {tmp_path}/made")
    assert (site.place / "mine").exists()
    assert CANARY not in site.said()
    assert len(site.said().splitlines()) == len(tried), "each of them failed"
    assert not (tmp_path / "made").exists()


@pytest.mark.long
async def test_in_the_jail_it_reaches_only_the_domains_of_the_project(site: Site) -> None:
    async with server() as port:
        ask = f"curl -sS -m 5 -o /dev/null -w '%{{http_code}} ' http://127.0.0.2:{port}/ >> said 2>&1"
        direct = f"curl -sS -m 5 --noproxy '*' http://127.0.0.2:{port}/ >> direct 2>&1 || true"
        other = "curl -sS -m 5 -o /dev/null -w '%{http_code} ' http://127.0.0.3/ >> said 2>&1"
        await site.set_up(site.jailed, f"{direct}; {ask}; {other}", "127.0.0.2")
        with pytest.raises(NoPlace, match="curl"):
            await site.set_up(site.jailed, f"curl -sS -m 5 http://127.0.0.2:{port}/")
    assert "hello" not in site.said("direct")
    assert site.said().split() == ["403", "403"], "another port, and another host"


@pytest.mark.long
async def test_the_way_out_is_open_when_the_setup_begins(site: Site) -> None:
    await site.set_up(
        site.jailed, "curl -sS -m 5 -o /dev/null -w '%{http_code}' http://127.0.0.2/ > said", "127.0.0.2"
    )
    assert site.said() in ("200", "404", "502"), "the proxy was asked, whoever listens there"
