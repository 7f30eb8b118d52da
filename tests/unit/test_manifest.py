"""What `onequeue manifest` prints: Slack's structure and limits, and what each variant changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from bot import cli
from bot.manifest import READS_CHANNELS, manifest, variant, written
from bot.rehearsal.slack.grants import granted_by

VARIANTS = [
    [],
    ["--http", "https://bot.example.com"],
    ["--minimal"],
    ["--minimal", "--http", "https://a.b/x/"],
]
SECTIONS = {"_metadata", "display_information", "features", "oauth_config", "settings"}
LIMITS = {
    "display_information.name": 35,
    "display_information.description": 140,
    "features.agent_view.agent_description": 300,
    "features.bot_user.display_name": 80,
}


class NoComposition:
    """Nothing of the bot is needed to print a manifest."""


def printed(capsys: pytest.CaptureFixture[str], *options: str) -> Mapping[str, Any]:
    assert cli.main(["manifest", *options], NoComposition()) == 0  # type: ignore[arg-type]
    found: Mapping[str, Any] = yaml.safe_load(capsys.readouterr().out)
    return found


def at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value[name]
    return value


@pytest.mark.parametrize("options", VARIANTS, ids=" ".join)
def test_every_variant_is_within_slacks_structure_and_limits(
    options: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = printed(capsys, *options)
    assert found.keys() == SECTIONS
    for path, limit in LIMITS.items():
        assert 0 < len(at(found, path)) <= limit
    features, settings = found["features"], found["settings"]
    assert len(features["agent_view"]["suggested_prompts"]) <= 4
    for shortcut in features["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
    for command in features["slash_commands"]:
        assert command["command"].startswith("/")
        assert len(command["command"]) <= 32
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
    scopes = found["oauth_config"]["scopes"]["bot"]
    events = settings["event_subscriptions"]["bot_events"]
    assert len(set(scopes)) == len(scopes) <= 255
    assert len(set(events)) == len(events) <= 100
    for event, scope in READS_CHANNELS.items():
        assert (event in events) == (scope in scopes), "no event without its scope"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://bot.example.com", "https://bot.example.com/slack/events"),
        ("https://bot.example.com/", "https://bot.example.com/slack/events"),
        ("https://example.com/one/slack/events", "https://example.com/one/slack/events"),
    ],
)
def test_http_names_one_address_for_all_and_needs_no_socket(
    given: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = printed(capsys, "--http", given)
    assert [command["url"] for command in found["features"]["slash_commands"]] == [address]
    assert found["settings"]["event_subscriptions"]["request_url"] == address
    assert found["settings"]["interactivity"] == {"is_enabled": True, "request_url": address}
    assert found["settings"]["socket_mode_enabled"] is False
    assert granted_by(found).scopes == granted_by(manifest()).scopes


def test_the_minimal_one_reads_no_channel_and_changes_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, found = granted_by(manifest()), granted_by(printed(capsys, "--minimal"))
    assert whole.scopes - found.scopes == set(READS_CHANNELS.values())
    assert whole.events - found.events == set(READS_CHANNELS)
    assert "message.im" in found.events
    assert "im:history" in found.scopes
    assert found.socket_mode


def test_without_options_it_is_the_file_itself() -> None:
    assert yaml.safe_load(written()) == manifest() == variant()
    assert "# mentions of the bot" in written()


@pytest.mark.parametrize("address", ["http://bot.example.com", "bot.example.com", "https://", "https://a b"])
def test_an_address_that_slack_would_refuse_is_refused(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        printed(capsys, "--http", address)
    assert "https://bot.example.com" in capsys.readouterr().err
