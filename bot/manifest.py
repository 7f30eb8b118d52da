"""Our own manifest: what the app is in Slack, and its two variants."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

REQUESTS: Final = "/slack/events"
"""Where Slack's requests go in HTTP mode: events, commands and presses alike."""

READS_CHANNELS: Final = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.mpim": "mpim:history",
}
"""The events that bring what is said in channels, and the scope that each needs. The minimal one has none."""


def manifest() -> Mapping[str, Any]:
    """`manifest.yml`: beside this package in a checkout, inside it where it is installed."""
    loaded: Mapping[str, Any] = yaml.safe_load(_text())
    return loaded


def variant(http: str | None = None, *, minimal: bool = False) -> Mapping[str, Any]:
    """The manifest for requests to the address `http` in place of sockets, or without reading channels."""
    changed = copy.deepcopy(dict(manifest()))
    settings = changed["settings"]
    if http is not None:
        address = http.rstrip("/").removesuffix(REQUESTS) + REQUESTS
        for command in changed["features"]["slash_commands"]:
            command["url"] = address
        settings["event_subscriptions"] = {"request_url": address, **settings["event_subscriptions"]}
        settings["interactivity"]["request_url"] = address
        settings["socket_mode_enabled"] = False
    if minimal:
        scopes, events = changed["oauth_config"]["scopes"], settings["event_subscriptions"]
        scopes["bot"] = [scope for scope in scopes["bot"] if scope not in READS_CHANNELS.values()]
        events["bot_events"] = [event for event in events["bot_events"] if event not in READS_CHANNELS]
    return changed


def written(http: str | None = None, *, minimal: bool = False) -> str:
    """The manifest as YAML for Slack's form; without changes it is the file, with what each scope is for."""
    if http is None and not minimal:
        return _text()
    return yaml.safe_dump(
        dict(variant(http, minimal=minimal)), sort_keys=False, allow_unicode=True, width=110
    )


def _text() -> str:
    here = Path(__file__).parent
    inside, beside = here / "manifest.yml", here.parent / "manifest.yml"
    return (inside if inside.exists() else beside).read_text(encoding="utf-8")
