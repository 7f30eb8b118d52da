"""The pinned versions fit what the project asks for, whole and from wherever a team installs from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ALONE = ROOT / "deploy" / "constraints.txt"
WITH_AGENTS = ROOT / "deploy" / "constraints-claude-code.txt"


def pinned(file: Path) -> dict[str, tuple[str, bool]]:
    """Each package of a file with its version, and whether it has a hash."""
    found = re.findall(r"^([a-z0-9-]+)==([^ ;]+)(.*\\\n(?: .*\n)*)", file.read_text(encoding="utf-8"), re.M)
    return {name: (version, "--hash=sha256:" in rest) for name, version, rest in found}


@pytest.mark.parametrize("file", [ALONE, WITH_AGENTS], ids=lambda file: file.name)
def test_each_line_is_a_version_with_its_hash_and_names_no_place_to_get_it(file: Path) -> None:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith(" ")]
    versions = pinned(file)
    assert len(lines) - lines.count("-r constraints.txt") == len(versions) > 10
    assert all(hashed for _, hashed in versions.values())
    assert "://" not in file.read_text(encoding="utf-8")


def test_what_the_project_asks_for_is_pinned_in_range() -> None:
    agents = PROJECT["optional-dependencies"]["claude-code"]
    both = {**pinned(ALONE), **pinned(WITH_AGENTS)}
    for wanted, versions in ((PROJECT["dependencies"], pinned(ALONE)), (agents, both)):
        for requirement in map(Requirement, wanted):
            assert requirement.specifier.contains(versions[requirement.name][0]), requirement
    assert WITH_AGENTS.read_text(encoding="utf-8").startswith("-r constraints.txt\n")
    assert not pinned(ALONE).keys() & pinned(WITH_AGENTS).keys(), "no version stands twice"
