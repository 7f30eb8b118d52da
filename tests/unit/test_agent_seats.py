"""How many agents sit at once: what a machine has room for, shared out among the tiers."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents import GIBIBYTE, room, seated
from bot.config import ConfigError, load
from dispatch.means import RunnerName
from dispatch.routing import DEFAULT_TABLE, Table
from dispatch.seats.machine import cores, memory_bytes
from dispatch.task import MODEL_TIERS, Tier

TIERS = st.sets(st.sampled_from(MODEL_TIERS))


@given(st.integers(1, 512), st.integers(0, 4096 * GIBIBYTE))
def test_a_machine_always_has_room_for_one_and_for_no_more_than_it_can_bear(cores: int, memory: int) -> None:
    found = room(cores, memory)
    assert 1 <= found <= 2 * cores
    assert found == 1 or (found + 1) * GIBIBYTE <= memory
    assert room(cores + 1, memory) >= found
    assert room(cores, memory + GIBIBYTE) >= found


@pytest.mark.parametrize(
    ("cores", "gibibytes", "found"), [(1, 1, 1), (2, 4, 3), (2, 24, 4), (8, 16, 15), (16, 64, 32)]
)
def test_machines_of_usual_sizes(cores: int, gibibytes: int, found: int) -> None:
    assert room(cores, gibibytes * GIBIBYTE) == found


@pytest.mark.parametrize(
    ("seats", "shared"), [(1, [1, 1, 1]), (4, [2, 1, 1]), (7, [3, 2, 2]), (8, [3, 3, 2]), (40, [3, 4, 4])]
)
def test_seats_are_shared_out_the_most_urgent_tier_first(seats: int, shared: list[int]) -> None:
    table = seated(DEFAULT_TABLE, (), True, seats)
    assert [table[tier].seats for tier in MODEL_TIERS] == shared


@given(TIERS, TIERS, st.booleans(), st.integers(1, 30), st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_only_tiers_of_agents_give_up_seats_and_none_gives_up_its_last(
    agents: set[Tier], fixed: set[Tier], everywhere: bool, seats: int, wanted: list[int]
) -> None:
    before = _table(agents, wanted)
    table = seated(before, fixed, everywhere, seats)
    shared = {tier for tier in table if (everywhere or tier in agents) and tier not in fixed}
    for tier in table:
        assert 1 <= table[tier].seats <= before[tier].seats
        assert tier in shared or table[tier] == before[tier]
        assert replace(table[tier], seats=before[tier].seats) == before[tier]
    taken = sum(table[tier].seats for tier in table if everywhere or tier in agents)
    if any(table[tier].seats > 1 for tier in shared):
        assert taken <= seats
    if taken < seats:
        assert table == before, "no seat is left that somebody wanted"


def _table(agents: set[Tier], seats: list[int]) -> Table:
    runner = {True: RunnerName.CLAUDE_CODE, False: RunnerName.MESSAGES}
    return {
        tier: replace(DEFAULT_TABLE[tier], seats=count, runner=runner[tier in agents])
        for tier, count in zip(MODEL_TIERS, seats, strict=True)
    }


def test_the_limits_of_a_control_group_count(tmp_path: Path) -> None:
    whole = (cores(tmp_path), memory_bytes(tmp_path))
    assert whole[0] >= 1
    assert whole[1] > GIBIBYTE // 4
    for quota, memory, found in (
        ("max 100000", "max", whole),
        ("50000 100000", "1000000", (1, 1_000_000)),
        ("100000 100000", "9" * 20, (1, whole[1])),
        ("99900000 100000", "", whole),
    ):
        (tmp_path / "cpu.max").write_text(f"{quota}\n")
        (tmp_path / "memory.max").write_text(f"{memory}\n")
        assert (cores(tmp_path), memory_bytes(tmp_path)) == found
    assert cores() >= 1
    assert memory_bytes() > 0


def test_the_setting_is_a_number_of_seats(tmp_path: Path) -> None:
    file = tmp_path / "onequeue.toml"
    file.write_text('[claude_code]\nseats = 3\n[tiers.haiku]\nrunner = "claude-code"\n')
    settings = load({"ONEQUEUE_CONFIG": str(file)})
    assert (settings.claude_code.seats, settings.has_agents, settings.has_agents_anywhere) == (3, True, False)
    file.write_text("[claude_code]\nseats = 0\n")
    with pytest.raises(ConfigError, match=r"claude_code\.seats"):
        load({"ONEQUEUE_CONFIG": str(file)})
