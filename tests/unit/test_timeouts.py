"""Timeouts that do not fit into one another are refused, by name."""

from configparser import ConfigParser
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import ConfigError, load
from bot.service import refuse_clashes
from dispatch.gateway import SILENCE
from dispatch.routing import DEFAULT_TABLE
from dispatch.task import Tier
from dispatch.timeouts import Timeouts, clashes
from dispatch.worker import LEASE

UNIT = Path(__file__).parents[2] / "deploy" / "onequeue.service"
SECOND = timedelta(seconds=1)
FINE = Timeouts(
    silence=SILENCE,
    wall_clocks={tier: rule.wall_clock for tier, rule in DEFAULT_TABLE.items()},
    lease=LEASE,
    renewal=LEASE / 3,
    grace=60 * SECOND,
    stop=90 * SECOND,
    watchdog=60 * SECOND,
)


def test_the_defaults_nest() -> None:
    assert list(clashes(FINE)) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"wall_clocks": {Tier.HAIKU: SILENCE}}, "tiers.haiku.minutes"),
        ({"renewal": LEASE / 2}, "renewed"),
        ({"grace": 80 * SECOND}, "supervisor_stop_seconds"),
        ({"loop_guard": LEASE / 3}, "guard"),
        ({"watchdog": 10 * SECOND}, "WatchdogSec"),
    ],
)
def test_each_pair_that_clashes_is_named(changed: dict[str, object], named: str) -> None:
    (clash,) = clashes(replace(FINE, **changed))  # type: ignore[arg-type]
    assert named in clash


@given(st.integers(0, 3600), st.integers(1, 4000))
def test_sessions_and_last_words_fit_before_the_supervisor_kills(grace: int, stop: int) -> None:
    found = list(clashes(replace(FINE, grace=grace * SECOND, stop=stop * SECOND)))
    assert bool(found) == (grace + 10 >= stop)


def test_without_a_watchdog_nothing_is_asked_of_it() -> None:
    assert list(clashes(replace(FINE, watchdog=None))) == []


def test_one_error_names_every_clash(tmp_path: Path) -> None:
    file = tmp_path / "onequeue.toml"
    file.write_text("grace_seconds = 300\n[tiers.haiku]\nminutes = 2\n")
    settings = load({"ONEQUEUE_CONFIG": str(file)})
    with pytest.raises(ConfigError) as caught:
        refuse_clashes(settings, SILENCE, 5 * SECOND)
    for name in ("tiers.haiku.minutes", "supervisor_stop_seconds", "WatchdogSec"):
        assert name in str(caught.value)


def test_the_systemd_unit_fits_the_defaults(tmp_path: Path) -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT, encoding="utf-8")
    service = unit["Service"]
    settings = load({"ONEQUEUE_CONFIG": "/dev/null"})
    assert int(service["TimeoutStopSec"]) == settings.supervisor_stop_seconds
    refuse_clashes(settings, SILENCE, int(service["WatchdogSec"]) * SECOND)
    assert (service["Type"], service["Restart"]) == ("notify", "always")
