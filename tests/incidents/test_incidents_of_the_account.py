"""Outages of the account and its limits: what is refused for all must cost no task, and never be hammered."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.gates import ACCOUNT, GateState
from dispatch.states import State
from tests.incidents.facts import ANSWERED, limited
from tests.incidents.house import opened, text_of

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


async def test_incident_02_a_gate_that_only_a_person_could_open() -> None:
    """A stop lasted until somebody logged in and undid it by hand, and at two in the morning nobody did.

    Here a gate opens by time, with one probe, and a restart neither forgets it nor hurries it.
    """
    async with opened() as house:
        house.claude.fail("authentication")
        numbers = await house.ask(3)
        opens_at = (await house.gate(ACCOUNT)).opens_at
        assert opens_at is not None
        await house.restart()
        await house.pass_until(opens_at - SECOND)
        assert len(house.claude.served) == 1, "nothing is tried before"
        house.claude.hold()
        await house.pass_until(opens_at)
        assert await house.states() == {State.RUNNING: 1, State.QUEUED: 2}
        assert (await house.gate(ACCOUNT)).state is GateState.PROBING
        await house.restart()
        assert await house.states() == {State.RUNNING: 1, State.QUEUED: 2}, "another probe, and one only"
        house.claude.release()
        await house.settle()
        assert await house.states() == {State.DONE: 3}
        assert (await house.gate(ACCOUNT)).state is GateState.OPEN
        assert [(await house.task(number)).strikes for number in numbers] == [0, 0, 0]


async def test_incident_03_each_retry_prolonged_the_ban() -> None:
    """A rate limit was taken for a hiccup: the task was tried again at once, which prolonged the ban."""
    async with opened() as house:
        house.claude.fail("rate_limit", times=2, retry_after=3600)
        await house.ask(6, "p6 review")
        for refused in (1, 2):
            opens_at = (await house.gate("sonnet")).opens_at
            assert opens_at is not None
            assert HOUR <= opens_at - house.claude.served[-1].at <= HOUR + MINUTE
            await house.pass_until(opens_at - SECOND)
            assert len(house.claude.served) == refused, "one request, then none before the reset"
            await house.pass_until(opens_at)
        await house.settle()
        assert await house.states() == {State.DONE: 6}
        assert [served.status for served in house.claude.served].count(429) == 2


async def test_incident_04_many_workers_on_one_account_got_it_suspended() -> None:
    """Four agents shared a credential, hammered it through a storm of rate limits and lost the account.

    Here whatever runs ends once, and then not one request is made until an operator says so.
    """
    async with opened() as house:
        house.claude.hold()
        await house.ask(4, "p6 review")
        await house.ask(4, "p3 investigate", "sam")
        running = (await house.states())[State.RUNNING]
        assert running > 4
        house.claude.fail("on_hold", times=99)
        house.claude.release()
        await house.settle()
        refused = [served for served in house.claude.served if served.status == 400]
        assert len(refused) == running, "each session once"
        requests = len(house.claude.served)
        await house.pass_time(minutes=1)
        (alarm,) = house.alarms()
        assert alarm.text.startswith("Our Claude account is suspended")
        await house.press("sam", alarm, "acknowledge_alarm")
        await house.pass_time(days=3)
        assert len(house.claude.served) == requests
        assert await house.states() == {State.QUEUED: 8}
        assert "only operators" in await house.slash("ana", "resume")
        assert len(house.claude.served) == requests
        house.claude.recover()
        await house.slash("sam", "resume")
        await house.settle()
        assert await house.states() == {State.DONE: 8}


async def test_incident_06_a_refused_key_burnt_thirteen_tasks() -> None:
    """A login ran out; for an hour and a half, and for 35 hours months later, each task that came up failed
    for good before anything stopped, and the only warnings were tasks in the same queue.
    """
    async with opened() as house:
        house.claude.fail("authentication", times=999)
        numbers = await house.ask(13)
        begun = house.claude.served[0].at
        assert (await house.gate(ACCOUNT)).state is GateState.CLOSED, "on the first sight"
        await house.pass_time(minutes=1)
        (alarm,) = house.alarms()
        assert "put a working key in `ANTHROPIC_API_KEY`" in alarm.text
        assert datetime.fromtimestamp(float(alarm.ts), UTC) - begun <= MINUTE
        await house.pass_time(minutes=89)
        assert house.alarms() == [alarm], "one alarm, which is repeated in its thread"
        assert len(house.claude.served) <= 8
        assert await house.states() == {State.QUEUED: 13}
        house.claude.recover()
        await house.slash("sam", "resume")
        await house.pass_time(minutes=2)
        assert await house.states() == {State.DONE: 13}
        assert {(await house.task(number)).strikes for number in numbers} == {0}
        assert "Recovered" in house.replies(alarm)[-1]


@pytest.mark.long
async def test_incident_07_after_25_hours_most_of_what_waited_was_stale() -> None:
    """The account could not pay for a day, and when it could again 27 of the 31 tasks that waited were
    warnings about the outage itself. Here warnings are no tasks, and what is stale is given up unpaid.
    """
    async with opened() as house:
        house.claude.fail("credit", times=999)
        lasting = await house.ask(4, "p6 review")
        stale = await house.ask(27, "by=18:00 p6 tell me before the meeting")
        assert (await house.gate(ACCOUNT)).fault == "billing"
        await house.pass_time(hours=6)
        assert await house.states(stale) == {State.EXPIRED: 27}
        tried = [len(await house.attempts(number)) for number in stale]
        await house.press("sam", house.alarms()[0], "acknowledge_alarm")
        await house.pass_time(hours=19.5)
        assert len(house.asked_by) == 31 == max(house.asked_by), "no task came but those that people sent"
        house.claude.recover()
        await house.pass_time(hours=1.2)
        assert await house.states(lasting) == {State.DONE: 4}
        assert await house.states(stale) == {State.EXPIRED: 27}
        assert [len(await house.attempts(number)) for number in stale] == tried
        assert len(house.posts("ended")) == 27, "whoever asked is told, once"
        (alarm,) = house.alarms()
        assert "31 tasks delayed, 27 expired" in house.replies(alarm)[-1]


async def test_incident_08_a_reset_time_that_nobody_read() -> None:
    """A quota said when it would be back, nobody read it, and the queue slept five hours and a half longer.

    The words are those of Claude Code, so a scripted runtime stands for it. That night clocks go back.
    """
    evening = datetime(2026, 11, 1, 3, tzinfo=UTC)  # 21:00 the day before in Denver
    facts = limited("You're out of extra usage · resets 11am (America/Denver)")
    async with opened(facts, evening, timezone="Europe/Berlin") as house:
        assert house.runner is not None
        await house.ask(28, "p6 review")
        reset = datetime(2026, 11, 1, 18, tzinfo=UTC)
        await house.restart()
        await house.pass_until(reset - SECOND)
        assert len(house.runner.sessions) == 1, "none before the reset"
        house.runner.facts = limited("You've hit your limit · resets 3pm")
        await house.pass_until(reset + MINUTE)
        assert len(house.runner.sessions) == 2, "one soon after it"
        house.runner.facts = ANSWERED
        reset = datetime(2026, 11, 2, 14, tzinfo=UTC)  # the team's zone, the day after
        await house.pass_until(reset - SECOND)
        assert len(house.runner.sessions) == 2
        assert await house.states() == {State.QUEUED: 28}
        await house.pass_until(reset + 2 * MINUTE)
        assert await house.states() == {State.DONE: 28}, "none failed for having waited"


async def test_incident_23_one_refusal_stopped_everything() -> None:
    """A single 403 was read as broken credentials and all work was stopped. A 403 speaks of one model."""
    async with opened() as house:
        house.claude.fail("permission", times=99, model="claude-opus-5-5")
        opus = await house.ask(2)
        others = await house.ask(2, "p6 review") + await house.ask(2, "p9 sum up")
        await house.pass_time(minutes=6)
        assert await house.states(opus) == {State.QUEUED: 2}
        assert await house.states(others) == {State.DONE: 4}
        assert (await house.gate(ACCOUNT)).state is GateState.OPEN
        (alarm,) = house.alarms()
        assert "Opus starts nothing" in text_of(alarm)
        house.claude.recover()
        await house.pass_time(hours=1)
        assert await house.states(opus) == {State.DONE: 2}, "by itself"
