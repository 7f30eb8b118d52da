"""How Claude Code is called: what it may use, what it may do by itself, and how long it waits."""

import json
from pathlib import Path
from typing import Any

import pytest

from dispatch.asking import PATIENCE
from dispatch.means import Profile
from dispatch.runners.claude_code.command import Asked, Sandbox, arguments, environment, fresh, resumed

MODEL = "claude-haiku-5-5"
EVERY = "Read,Grep,Glob,Edit,Write,Bash"


def called(asked: Asked) -> tuple[list[str], dict[str, Any]]:
    """The arguments, and the settings among them."""
    made = arguments(asked, "low", Path("/run/servers.json"), Sandbox(), fresh("1-2"))
    (settings,) = (one.removeprefix("--settings=") for one in made if one.startswith("--settings="))
    return made, json.loads(settings)


@pytest.mark.parametrize(
    ("profile", "tools"),
    [(Profile.READ, "Read,Grep,Glob"), (Profile.EDIT, "Read,Grep,Glob,Edit,Write"), (Profile.FULL, EVERY)],
)
def test_what_the_profile_does_not_have_is_not_there(profile: Profile, tools: str) -> None:
    made, settings = called(Asked(MODEL, profile, ()))
    assert f"--tools={tools}" in made
    assert "--permission-mode=dontAsk" in made
    assert not [one for one in made if "prompt-tool" in one]
    assert ("sandbox" in settings) is (profile is Profile.FULL)


@pytest.mark.parametrize("profile", [Profile.READ, Profile.EDIT])
def test_where_people_are_asked_every_command_waits_for_them(profile: Profile) -> None:
    made, settings = called(Asked(MODEL, profile, ("progress",), asks=True))
    assert f"--tools={EVERY}" in made
    assert {"--permission-mode=default", "--permission-prompt-tool=stdio"} <= set(made)
    assert settings["permissions"]["ask"] == ["Bash"]
    assert "Bash" not in settings["permissions"]["allow"]
    assert ("Edit(./**)" in settings["permissions"]["allow"]) is (profile is Profile.EDIT)
    assert settings["sandbox"]["enabled"] is True
    assert settings["sandbox"]["autoAllowBashIfSandboxed"] is False


def test_the_whole_profile_runs_its_commands_in_the_sandbox_unasked() -> None:
    _, settings = called(Asked(MODEL, Profile.FULL, (), asks=True))
    assert settings["permissions"]["ask"] == []
    assert settings["sandbox"]["autoAllowBashIfSandboxed"] is True


def test_a_tool_that_asks_people_is_waited_for_longer_than_they_are() -> None:
    variables = environment(Path("/run"), Path("/run/tmp"), "http://127.0.0.1:1", "oq-1", 1000, ())
    assert int(variables["MCP_TOOL_TIMEOUT"]) / 1000 > 2 * PATIENCE.total_seconds()


def test_a_session_is_begun_or_gone_on_with() -> None:
    assert fresh("1-2") in called(Asked(MODEL, Profile.READ, ()))[0]
    assert resumed(Path("/run/x.jsonl")) == "--resume=/run/x.jsonl"
