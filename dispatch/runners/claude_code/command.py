"""How Claude Code is called: its arguments, settings and environment. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dispatch.means import Profile
from dispatch.runners.briefing import SYSTEM

SERVER = "onequeue"
"""The name under which the gateway's tools reach the session."""

MAX_TURNS = 200
"""How often one session may go round. What stops it in practice is its cap and its wall clock."""

MARK = "ONEQUEUE_RUN"
"""The variable that every process of a session carries; it holds the path of the run's folder."""

_TOOLS: Mapping[Profile, tuple[str, ...]] = {
    Profile.READ: ("Read", "Grep", "Glob"),
    Profile.EDIT: ("Read", "Grep", "Glob", "Edit", "Write"),
    Profile.FULL: ("Read", "Grep", "Glob", "Edit", "Write", "Bash"),
}
_RULES: Mapping[Profile, tuple[str, ...]] = {
    Profile.READ: ("Read(./**)",),
    Profile.EDIT: ("Read(./**)", "Edit(./**)", "Write(./**)"),
    Profile.FULL: ("Read(./**)", "Edit(./**)", "Write(./**)", "Bash"),
}
_HERE = """\
You work in the folder you were started in. Everything you leave in it is kept for the team; you need not, \
and cannot, commit or push it."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How the commands of a session are shut in, inside or without a jail around all of it.

    `weaker` is for a jail in which no second one fits whole. `domains` are the hosts they may reach,
    through the proxy at `proxy_port` where there is one. `hidden` may not be read, but for `shown`.
    """

    weaker: bool = False
    domains: tuple[str, ...] = ()
    proxy_port: int | None = None
    hidden: tuple[Path, ...] = ()
    shown: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a session must be when it starts, or it may not start: see `report.Report`."""

    model: str
    profile: Profile
    tools: tuple[str, ...]
    """The names of the gateway's tools."""

    asks: bool = False
    """Whether people are asked for what the profile does not allow; else it is refused."""

    files: Path | None = None
    """A folder elsewhere that it may read."""

    @property
    def permission_mode(self) -> str:
        """What Claude Code does where no rule decides."""
        return "default" if self.asks else "dontAsk"

    @property
    def own_tools(self) -> tuple[str, ...]:
        """Claude Code's own tools that the session has, whether or not it may use them by itself."""
        return _TOOLS[Profile.FULL if self.asks else self.profile]

    @property
    def all_tools(self) -> frozenset[str]:
        """Every tool the session has, as Claude Code names it."""
        return frozenset(self.own_tools) | {f"mcp__{SERVER}__{name}" for name in self.tools}


def arguments(asked: Asked, effort: str, servers: Path, sandbox: Sandbox | None, thread: str) -> list[str]:
    """What follows the name of the program. No key is among it, and no prompt: that is sent as data.

    `servers` is the file with `tool_servers`, `thread` the option `fresh` or `resumed`.
    """
    return [
        "-p",
        "--input-format=stream-json",
        "--output-format=stream-json",
        "--verbose",
        "--include-partial-messages",
        f"--model={asked.model}",
        f"--effort={effort}",
        f"--max-turns={MAX_TURNS}",
        "--setting-sources=",
        "--strict-mcp-config",
        "--disable-slash-commands",
        thread,
        f"--tools={','.join(asked.own_tools)}",
        f"--permission-mode={asked.permission_mode}",
        *(("--permission-prompt-tool=stdio",) if asked.asks else ()),
        f"--append-system-prompt={SYSTEM}\n\n{_HERE}",
        f"--mcp-config={servers}",
        f"--settings={json.dumps(_settings(asked, sandbox))}",
    ]


def fresh(session: str) -> str:
    """The option that begins a session of that id."""
    return f"--session-id={session}"


def resumed(transcript: Path) -> str:
    """The option that goes on with the session of that transcript, in its file."""
    return f"--resume={transcript}"


def tool_servers(asked: Asked, tools_url: str, key: str) -> str:
    """Where the gateway's tools are, as Claude Code reads it from a file."""
    servers = {SERVER: {"type": "http", "url": tools_url, "headers": {"x-api-key": key}}}
    return json.dumps({"mcpServers": servers if asked.tools else {}})


def environment(
    run: Path, temp: Path, base_url: str, key: str, max_output_tokens: int, path: Sequence[str]
) -> dict[str, str]:
    """The whole environment of a session's process: nothing of ours is in it, and no key but its own."""
    return {
        MARK: str(run),
        "PATH": ":".join(path),
        "HOME": str(run / "home"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(temp),
        "CLAUDE_CONFIG_DIR": str(run / "config"),
        "CLAUDE_CODE_TMPDIR": str(temp),
        "ANTHROPIC_BASE_URL": base_url,
        "ANTHROPIC_API_KEY": key,
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(max_output_tokens),
        # The gate has to hear of a limit at once, and waiting for a silent API is the gateway's part.
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
        "CLAUDE_CODE_NO_MODEL_FALLBACK": "1",
        "CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK": "1",
        "API_TIMEOUT_MS": "900000",
        "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "900000",
        # A tool that asks people is waited for; how long is decided where they are asked.
        "MCP_TOOL_TIMEOUT": "900000",
        "BASH_MAX_TIMEOUT_MS": "600000",
        "ENABLE_TOOL_SEARCH": "false",
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
        "CLAUDE_CODE_DISABLE_CRON": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
    }


def request(words: str, number: str) -> Mapping[str, object]:
    """A message that is taken word for word, whatever it begins with or names. `number` is a UUID."""
    message = {"role": "user", "content": words}
    return {"type": "user", "client_composed": True, "uuid": number, "message": message}


def interruption() -> Mapping[str, object]:
    """The request to stop at once, with a result that says what it cost."""
    return {"type": "control_request", "request_id": "stop", "request": {"subtype": "interrupt"}}


def _settings(asked: Asked, sandbox: Sandbox | None) -> Mapping[str, object]:
    elsewhere = [f"Read(/{asked.files}/**)"] if asked.files else []
    allowed = [*_RULES[asked.profile], *elsewhere, *(f"mcp__{SERVER}__{name}" for name in asked.tools)]
    by_itself = asked.profile is Profile.FULL
    permissions = {"allow": allowed, "ask": [] if by_itself else ["Bash"]}
    settings: dict[str, object] = {"permissions": permissions}
    if sandbox is not None and "Bash" in asked.own_tools:
        settings["sandbox"] = _shut_in(sandbox, by_itself)
    return settings


def _shut_in(sandbox: Sandbox, by_itself: bool) -> Mapping[str, object]:
    network: dict[str, object] = {"allowedDomains": list(sandbox.domains)}
    if sandbox.proxy_port is not None:
        network["httpProxyPort"] = sandbox.proxy_port
    return {
        "enabled": True,
        "failIfUnavailable": True,
        "autoAllowBashIfSandboxed": by_itself,
        "allowUnsandboxedCommands": False,
        "enableWeakerNestedSandbox": sandbox.weaker,
        "network": network,
        "credentials": {"envVars": [{"name": "ANTHROPIC_API_KEY", "mode": "deny"}]},
        "filesystem": {
            "denyRead": [str(path) for path in sandbox.hidden],
            "allowRead": [str(path) for path in sandbox.shown],
        },
    }
