"""Outages of what a session runs in. Scripted ends stand for the runtime's process; the rest is real."""

from datetime import timedelta
from itertools import pairwise

import pytest

from bot.config import ConfigError, Settings
from bot.rehearsal.claude.script import call, say
from bot.sections import TierSettings
from bot.service import refuse_clashes
from dispatch.diagnosis import SessionFacts
from dispatch.faults import FaultKind
from dispatch.gates import RUNTIME
from dispatch.gateway import SILENCE
from dispatch.ports import Session
from dispatch.states import State
from dispatch.task import Verdict
from tests.incidents.facts import ANSWERED, NOISY_AND_EMPTY, ONLY_PROSE, OUT_OF_MEMORY, UNKNOWN_OPTION
from tests.incidents.house import House, opened, text_of

TWO_SECONDS = TierSettings.model_construct(minutes=2 / 60)
"""A limit far shorter than settings may name: it is measured in real time."""


def sessions(house: House) -> int:
    """How many have begun."""
    assert house.runner is not None
    return len(house.runner.sessions)


async def test_incident_01_a_flag_that_stopped_everything_for_44_hours() -> None:
    """A new command-line flag was not known to the installed runtime. Every session ended at once, each reset
    of the stop ran into the same wall, the tasks burnt their retries, and the warnings were tasks themselves.
    """
    async with opened(UNKNOWN_OPTION) as house:
        assert house.runner is not None
        numbers = await house.ask(6)
        assert sessions(house) == 1
        await house.pass_time(minutes=8)
        (alarm,) = house.alarms()
        assert "unknown option" in text_of(alarm)
        await house.pass_time(minutes=30)
        assert len(house.replies(alarm)) >= 1, "it is repeated until somebody has it"
        await house.press("sam", alarm, "acknowledge_alarm")
        await house.pass_time(hours=44)
        assert await house.states() == {State.QUEUED: 6}
        assert {(await house.task(number)).strikes for number in numbers} == {0}
        gaps = [later - earlier for earlier, later in pairwise(house.runner.started)]
        assert all(gap >= timedelta(minutes=7.5) for gap in gaps), "one at a time"
        assert all(gap >= timedelta(minutes=30) for gap in gaps[3:]), "and seldom"
        assert house.alarms() == [alarm]
        house.runner.facts = ANSWERED
        tried = sessions(house)
        await house.pass_time(hours=1.2)
        assert await house.states() == {State.DONE: 6}
        assert sessions(house) == tried + 6


async def test_one_task_alone_is_not_tried_for_ever() -> None:
    """Where no other task is there, nobody can tell a broken runtime from a task that breaks it."""
    async with opened(NOISY_AND_EMPTY) as house:
        assert house.runner is not None
        (number,) = await house.ask(1)
        await house.pass_time(hours=1)
        assert await house.states() == {State.QUEUED: 1}, "an hour is an outage"
        await house.pass_time(hours=12)
        assert await house.states() == {State.PARKED: 1}
        assert "again and again, so it may be the task" in house.card(number)
        tried = sessions(house)
        assert tried <= 15
        house.runner.facts = ANSWERED
        (told,) = house.posts(f"answer:{number}")
        assert f"/task retry {number}" in text_of(told)
        await house.slash("sam", f"retry {number}")
        await house.pass_time(hours=1.2)
        assert await house.states() == {State.DONE: 1}


async def test_a_task_that_breaks_its_session_holds_up_no_other_tier() -> None:
    """The task that closes the gate is in the tier that goes first; those that would pass are elsewhere."""

    def facts(session: Session) -> SessionFacts:
        return NOISY_AND_EMPTY if "poison" in session.prompt else ANSWERED

    async with opened(facts) as house:
        (poison,) = await house.ask(1, "p3 poison")
        await house.pass_time(minutes=5)
        others = [*await house.ask(2, "p6 review"), *await house.ask(2, "p9 review")]
        await house.pass_time(minutes=10)
        assert await house.states(others) == {State.DONE: 4}
        assert (await house.task(poison)).state is not State.DONE


async def test_incident_05_a_session_outlived_its_supervisor() -> None:
    """Sessions of thirty minutes were tried four times within the hour that the supervisor gave; it killed
    them and left their rows running. Here a timeout is not repeated, and limits must nest at the start.
    """
    async with opened(tiers={"sonnet": TWO_SECONDS}) as house:
        house.claude.fail("stalled")
        (number,) = await house.ask(1, "p6 review")
        await house.pass_time(hours=2)
        assert (await house.task(number)).state is State.FAILED
        (attempt,) = await house.attempts(number)
        assert attempt.fault is not None
        assert attempt.fault.kind is FaultKind.TIMEOUT
        assert attempt.cost_micro_usd > 0, "what it cost until then is known"
        assert await house.store.queue.under_way() == []
        await house.ask(1, "p6 review again")
        assert (await house.states())[State.DONE] == 1, "its seat is free"
    refuse_clashes(Settings(), SILENCE, None)
    with pytest.raises(ConfigError, match="supervisor_stop_seconds"):
        refuse_clashes(Settings(grace_seconds=90), SILENCE, None)
    short = Settings.model_validate({"tiers": {"haiku": {"minutes": 1}}})
    with pytest.raises(ConfigError, match=r"tiers\.haiku\.minutes"):
        refuse_clashes(short, SILENCE, None)


async def test_incident_13_prose_was_taken_for_work() -> None:
    """An upgrade took the tools away from every session; ten of them described what they would have done and
    were closed as completed. What stands for it is a session that owes its work in a form and sends prose.
    """

    def facts(session: Session) -> SessionFacts:
        return ONLY_PROSE if "run the tests" in session.prompt else ANSWERED

    async with opened(facts) as house:
        broken, *others = [*await house.ask(1, "p3 run the tests"), *await house.ask(3)]
        await house.pass_time(minutes=10)
        assert (await house.task(broken)).state is State.PARKED, "never done"
        assert [run.verdict for run in await house.attempts(broken)] == [Verdict.FAILED] * 3
        assert "3 attempts failed" in house.card(broken)
        assert await house.states(others) == {State.DONE: 3}, "nothing stays locked"


@pytest.mark.filterwarnings("ignore:Tool 'AskUserQuestion' not found")
async def test_incident_14_a_question_froze_the_session() -> None:
    """A session asked its user a question; there was none, and it stood still until its time was up.

    The tool is not offered here, and a session that calls it all the same is told so and goes on.
    """
    async with opened() as house:
        house.claude.script([call("AskUserQuestion", questions=["Which one?"]), say("I took both.")])
        (number,) = await house.ask(1)
        await house.settle()
        assert (await house.task(number)).state is State.DONE
        assert "AskUserQuestion" not in house.claude.served[0].tools
        (answer,) = house.posts(f"answer:{number}")
        assert "I took both." in text_of(answer)


async def test_incident_15_the_same_task_ran_out_of_memory_for_weeks() -> None:
    """Each night a session around a build was killed for its memory, and the next night it ran again.

    The exit code of such an end stands for it.
    """

    def facts(session: Session) -> SessionFacts:
        return OUT_OF_MEMORY if "build" in session.prompt else ANSWERED

    async with opened(facts) as house:
        heavy, *others = [*await house.ask(1, "p6 build all"), *await house.ask(3, "p6 review")]
        await house.pass_time(hours=24)
        assert (await house.task(heavy)).state is State.PARKED
        assert len(await house.attempts(heavy)) == 3
        assert "ran out of memory" in house.card(heavy)
        (told,) = house.posts(f"answer:{heavy}")
        assert "ran out of memory" in text_of(told)
        assert await house.states(others) == {State.DONE: 3}
        assert house.alarms() == [], "no gate closes on it"


async def test_incident_21_an_end_without_a_result_was_a_success() -> None:
    """For a week a stream that broke off counted as success where the exit code was 0, and a runtime that
    wrote more than a pipe holds to stderr never ended. Here so much noise proves nothing.
    """
    async with opened(NOISY_AND_EMPTY) as house:
        assert house.runner is not None
        (number,) = await house.ask(1)
        await house.pass_time(minutes=5)
        fault = (await house.attempts(number))[0].fault
        assert fault is not None
        assert fault.kind is FaultKind.RUNTIME
        assert len(fault.detail) <= 500
        assert sessions(house) >= 3
        assert (await house.gate(RUNTIME)).fault is FaultKind.RUNTIME, "three in a row are no task's fault"
        house.runner.facts = ANSWERED
        await house.pass_time(hours=1)
        assert await house.states() == {State.DONE: 1}


async def test_incident_21_a_stream_that_broke_off_is_no_answer() -> None:
    """The same on the Messages API: half an answer is not told as one, and what it cost is counted."""
    async with opened() as house:
        house.claude.script([say("x" * 2000), say("The whole answer.")])
        house.claude.fail("mid_drop")
        (number,) = await house.ask(1)
        await house.pass_time(minutes=5)
        first, second = await house.attempts(number)
        assert (first.verdict, second.verdict) == (Verdict.FAILED, Verdict.ANSWERED)
        assert first.cost_micro_usd > 0
        assert (await house.task(number)).cost_micro_usd == first.cost_micro_usd + second.cost_micro_usd
        (answer,) = house.posts("answer")
        assert "The whole answer." in text_of(answer)
        assert "xxx" not in text_of(answer)
