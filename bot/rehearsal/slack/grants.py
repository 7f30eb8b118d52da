"""What the manifest declares, and so all that the app may do or be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HISTORY_SCOPE = {"channel": "channels:history", "private": "groups:history", "dm": "im:history"}
READ_SCOPE = {"channel": "channels:read", "private": "groups:read", "dm": "im:read"}
MESSAGE_EVENT = {"channel": "message.channels", "private": "message.groups", "dm": "message.im"}


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One the manifest declares; `kind` is message or global."""

    name: str
    kind: str
    callback_id: str


@dataclass(frozen=True, slots=True)
class Grants:
    """Scopes the bot token carries, events it is subscribed to, commands it owns.

    Optional scopes are not granted: whoever installs an app may leave them out.
    """

    app_name: str
    bot_name: str
    scopes: frozenset[str]
    events: frozenset[str]
    commands: Mapping[str, bool] = field(default_factory=dict)
    """Slash command -> whether people and channels in its text arrive escaped."""
    shortcuts: tuple[Shortcut, ...] = ()
    interactive: bool = False
    socket_mode: bool = False
    home_tab: bool = False
    messages_tab: bool = False
    messages_tab_read_only: bool = False
    agent: bool = False
    request_url: str = ""
    """Where requests go over HTTP; nowhere while sockets are on."""


def granted_by(manifest: Mapping[str, object]) -> Grants:
    """Reads a manifest as `yaml.safe_load` returns it; whatever is absent is not granted."""
    name = str(_section(manifest, "display_information").get("name", "App"))
    features = _section(manifest, "features")
    settings = _section(manifest, "settings")
    home = _section(features, "app_home")
    commands = features.get("slash_commands") or ()
    sockets = bool(settings.get("socket_mode_enabled"))
    address = _section(settings, "event_subscriptions").get("request_url")
    return Grants(
        app_name=name,
        bot_name=str(_section(features, "bot_user").get("display_name", name.lower())),
        scopes=frozenset(_section(_section(manifest, "oauth_config"), "scopes").get("bot") or ()),
        events=frozenset(_section(settings, "event_subscriptions").get("bot_events") or ()),
        commands={c["command"]: bool(c.get("should_escape")) for c in commands},
        shortcuts=tuple(
            Shortcut(each["name"], each["type"], each["callback_id"])
            for each in features.get("shortcuts") or ()
        ),
        interactive=bool(_section(settings, "interactivity").get("is_enabled")),
        socket_mode=sockets,
        home_tab=bool(home.get("home_tab_enabled")),
        messages_tab=bool(home.get("messages_tab_enabled")),
        messages_tab_read_only=bool(home.get("messages_tab_read_only_enabled")),
        agent="agent_view" in features,
        request_url="" if sockets else str(address or ""),
    )


def _section(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}
