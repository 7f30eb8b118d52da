"""What a task's session is given, and what its runtime says it cost."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.errors import NotFound
from dispatch.means import ChannelMeans, Means, Profile, Project, RunnerName, no_project
from dispatch.routing import DEFAULT_TABLE
from dispatch.task import Attempt, Tier
from dispatch.terms import Terms
from tests.fakes.values import NOON, make_task

CLAUDE_CODE, MESSAGES = RunnerName.CLAUDE_CODE, RunnerName.MESSAGES
PAYMENTS = Project("payments", Path("/srv/payments"), CLAUDE_CODE, Profile.FULL)
WIKI = Project("wiki", Path("/srv/wiki"))


def terms(channel: ChannelMeans | None = None, runner: RunnerName = MESSAGES) -> Terms:
    table = {
        **DEFAULT_TABLE,
        Tier.SONNET: replace(DEFAULT_TABLE[Tier.SONNET], runner=runner, profile=Profile.EDIT),
    }
    channels = {"COPS00001": channel} if channel else {}
    return Terms(table, ZoneInfo("UTC"), projects={"payments": PAYMENTS, "wiki": WIKI}, channels=channels)


def test_by_default_a_session_is_a_conversation() -> None:
    assert Terms(DEFAULT_TABLE, ZoneInfo("UTC")).means(make_task()) == Means()


@pytest.mark.parametrize(
    ("channel", "runner", "project", "expected"),
    [
        (None, CLAUDE_CODE, None, Means(CLAUDE_CODE, Profile.EDIT)),
        (ChannelMeans(MESSAGES), CLAUDE_CODE, None, Means(MESSAGES, Profile.EDIT)),
        (ChannelMeans(MESSAGES), CLAUDE_CODE, "payments", Means(CLAUDE_CODE, Profile.FULL, PAYMENTS)),
        (ChannelMeans(project="payments"), MESSAGES, None, Means(CLAUDE_CODE, Profile.FULL, PAYMENTS)),
        (ChannelMeans(CLAUDE_CODE, "payments"), MESSAGES, "wiki", Means(CLAUDE_CODE, Profile.EDIT, WIKI)),
    ],
)
def test_the_project_decides_before_the_channel_and_the_channel_before_the_tier(
    channel: ChannelMeans | None, runner: RunnerName, project: str | None, expected: Means
) -> None:
    assert terms(channel, runner).means(make_task(project=project)) == expected


def test_a_project_that_is_gone_is_named() -> None:
    with pytest.raises(NotFound, match="billing"):
        terms().means(make_task(project="billing"))


def test_a_channel_may_have_a_project_and_be_quiet() -> None:
    decided = terms(ChannelMeans(project="wiki", quiet=True))
    assert (decided.project_in("COPS00001"), decided.is_quiet("COPS00001")) == ("wiki", True)
    assert (decided.project_in("C2"), decided.is_quiet("C2")) == (None, False)
    assert not terms(ChannelMeans(project="wiki")).is_quiet("COPS00001")


def test_an_unknown_project_is_answered_with_those_there_are() -> None:
    told = no_project("billing", ["wiki", "payments"])
    assert told == ("there is no project `billing`. Use `repo=payments`, `repo=wiki`, or leave `repo=` out.")
    assert "have an operator set it up under [projects.billing]" in no_project("billing", [])
    many = no_project("billing", [f"p{number:02}" for number in range(30)])
    assert "`repo=p19` and 10 more, or" in many


def attempt(booked: int, said: int | None, unpriced: int = 0) -> Attempt:
    return Attempt(
        task_id=1,
        number=1,
        model="claude-haiku-5-5",
        started_at=NOON,
        ended_at=NOON + timedelta(minutes=1),
        verdict=None,
        fault=None,
        ran_model=None,
        text="",
        progress="",
        cost_micro_usd=booked,
        unpriced=unpriced,
        prompt_tokens=0,
        output_tokens=0,
        said_micro_usd=said,
    )


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_cost_is_disputed_from_one_percent_on(booked: int, said: int) -> None:
    assert attempt(booked, said).is_disputed == (abs(said - booked) > booked / 100)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_is_unpriced_or_unsaid_is_not_disputed(booked: int, said: int) -> None:
    assert not attempt(booked, said, unpriced=1).is_disputed
    assert not attempt(booked, None).is_disputed
