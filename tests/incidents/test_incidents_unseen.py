"""Outages that nobody heard of, because what should have told of them had stopped too."""

import asyncio
from datetime import timedelta

import pytest

from dispatch.gates import ACCOUNT, GateState
from dispatch.states import State
from tests.incidents.house import House, opened, text_of
from tests.integration.conditions import held_by_another_program
from tests.integration.test_deadman import outside

LOOK = timedelta(seconds=15)


async def looked(house: House, times: int, after: timedelta = LOOK) -> None:
    """Moves the clock so often and lets those look who keep watch; the queue itself does nothing."""
    for _ in range(times):
        house.clock.advance(after)
        async with asyncio.timeout(20):
            await asyncio.wait({asyncio.create_task(house.store.queue.counts())})
            while not {"watch", "dead man"} <= house.clock.asleep.keys():
                await house.store.queue.counts()


async def test_incident_18_two_days_of_silence() -> None:
    """Power and network failed for 46 hours; a helper hung for ever in one call, the timer never fired again,
    and the monitors sat in the same network. A database that another program holds is what hangs here.
    """
    async with outside() as there, opened(watch={"ping_url": there.url}) as house:
        await house.ask(3)
        await house.pass_time(minutes=5)
        assert there.signs >= 4
        with held_by_another_program(house.settings.database):
            said = await house.slack.slash("ana", "#payments", "p3 investigate")
            assert said.startswith("Not taken"), "nothing is taken that is not kept"
            await looked(house, 12)
            (alarm,) = house.alarms()
            assert "database cannot be used" in alarm.text
            signs = there.signs
            await looked(house, 46, timedelta(hours=1))
            assert there.signs == signs, "whoever listens outside hears that it is silent"
            assert len(house.replies(alarm)) >= 40
        await house.pass_time(minutes=3)
        assert there.signs > signs
        await house.settle()
        assert "Recovered" in house.replies(alarm)[-1]
        assert await house.states() == {State.DONE: 3}


@pytest.mark.long
async def test_incident_19_a_login_ran_out_and_its_warnings_were_withdrawn() -> None:
    """A token lapsed in the middle of a run; 42 hours later nine right warnings were cancelled as stale, and
    the morning report needed a model to be written. API keys tell no end, so none is counted down to.
    """
    async with opened(digest={"channel": "COPS00001"}) as house:
        house.claude.hold()
        (under_way,) = await house.ask(1, "p6 review")
        house.claude.fail("authentication", times=999)
        house.claude.release()
        await house.settle()
        assert (await house.task(under_way)).cost_micro_usd > 0, "the part before it is paid and kept"
        await house.ask(3, "p6 review")
        await house.pass_time(minutes=50)
        (alarm,) = house.alarms()
        repeated = len(house.replies(alarm))
        assert repeated >= 2, "until somebody has it"
        await house.press("sam", alarm, "acknowledge_alarm")
        await house.pass_time(hours=41)
        assert len(house.replies(alarm)) == repeated
        assert len(house.posts("digest")) == 1
        assert (await house.gate(ACCOUNT)).state is GateState.CLOSED
        assert await house.states() == {State.QUEUED: 4}
        house.claude.recover()
        await house.slash("sam", "resume")
        await house.pass_time(minutes=2)
        assert await house.states() == {State.DONE: 4}
        assert "Recovered" in house.replies(alarm)[-1]
        assert "4 tasks delayed" in house.replies(alarm)[-1]
        (alarm,) = house.alarms()
        assert "Over since" in text_of(alarm), "what was said stays"
