"""`onequeue doctor` beside a running Onequeue and without one, over sockets and over HTTP."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from bot.manifest import variant
from bot.rehearsal.slack import SlackSim
from tests.acceptance.process import Bot, Scenery, environment, onequeue, scenery
from tests.acceptance.test_http_mode import free_port


class Ward(Scenery):
    """A team's Onequeue to be looked at. `levels` and `seen` are by the name of each finding."""

    async def look(self) -> tuple[int, Mapping[str, Mapping[str, str]]]:
        status, out, err = await onequeue(self.env, "doctor", "--json", folder=self.folder)
        assert err == ""
        for secret in (
            self.env["SLACK_BOT_TOKEN"],
            self.env["SLACK_APP_TOKEN"],
            self.env["ANTHROPIC_API_KEY"],
        ):
            assert secret not in out
        record = json.loads(out)
        assert record["well"] is (status == 0)
        return status, {finding["name"]: finding for finding in record["findings"]}


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    async with scenery(Ward, tmp_path) as ward:
        (tmp_path / "onequeue.toml").write_text('[operators]\npeople = ["UANA00001"]\n', encoding="utf-8")
        yield ward


def levels(found: Mapping[str, Mapping[str, str]], level: str) -> set[str]:
    return {name for name, finding in found.items() if finding["level"] == level}


async def test_all_is_well_without_a_running_process(ward: Ward) -> None:
    status, found = await ward.look()
    assert levels(found, "failure") == levels(found, "warning") == set()
    assert levels(found, "unknown") == {"slash command"}
    assert status == 0
    assert found["slack socket"]["saw"] == "Slack said hello"
    assert found["slack events"]["level"] == "ok"
    assert not (ward.folder / "onequeue.db").exists(), "looking makes nothing"
    assert ward.slack.messages(ward.slack.dm("ana")) == [], "its message is gone again"
    assert ward.claude.served == []


@pytest.mark.long
async def test_all_is_well_beside_a_running_process_and_after_it(ward: Ward) -> None:
    await ward.bot.start()
    await ward.slack.wait_for(lambda state: state.sockets == 2)
    opened = sum(call.method == "apps.connections.open" for call in ward.slack.state.calls)
    status, found = await ward.look()
    assert (status, levels(found, "failure")) == (0, set())
    assert found["slack socket"]["saw"].startswith("2 of 2 connected")
    assert found["slack events"]["level"] == "ok"
    assert sum(call.method == "apps.connections.open" for call in ward.slack.state.calls) == opened
    await ward.bot.stop()
    assert (await ward.look())[1]["database"]["level"] == "ok"


@pytest.mark.long
async def test_over_http(ward: Ward) -> None:
    port = free_port()
    (ward.folder / "onequeue.toml").write_text(
        f'[slack]\nhttp = "127.0.0.1:{port}"\n[operators]\npeople = ["UANA00001"]\n', encoding="utf-8"
    )
    slack = SlackSim(variant(f"http://127.0.0.1:{port}"))
    await slack.start()
    ward.slack, ward.env = slack, environment(ward.folder, slack, ward.claude)
    ward.bot = Bot(ward.env, ward.folder)
    try:
        status, found = await ward.look()
        assert (status, levels(found, "unknown")) == (0, {"slack requests", "slack events", "slash command"})
        await ward.bot.start()
        status, found = await ward.look()
        assert (status, levels(found, "unknown")) == (0, {"slash command"})
        assert found["slack requests"]["saw"].startswith("it listens")
        assert await ward.bot.stop() == 0
    finally:
        await ward.bot.kill()
        await slack.close()


async def test_what_is_wrong_is_named_with_its_fix(ward: Ward) -> None:
    ward.env["SLACK_BOT_TOKEN"] = "xoxb-revoked-0000000000"
    ward.env["ANTHROPIC_API_KEY"] = "sk-ant-sim-refused"
    status, out, _ = await onequeue(ward.env, "doctor", folder=ward.folder)
    assert status == 1
    assert "FAIL  slack token" in out
    assert "Do: Put the app's Bot User OAuth Token (xoxb-...) in SLACK_BOT_TOKEN and restart" in out
    assert "FAIL  model opus" in out
    assert "refused-0000000000" not in out


async def test_settings_that_cannot_be_read_are_a_finding(ward: Ward) -> None:
    ward.env["ONEQUEUE_TIMEZONE"] = "Europe/Nowhere"
    status, found = await ward.look()
    assert status == 1
    assert found.keys() == {"settings"}
    assert "'Europe/Nowhere' is no time zone" in found["settings"]["saw"]
