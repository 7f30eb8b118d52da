"""Outages that cost money: floods, breeding, circles, and one task that fails all night."""

import pytest

from bot.rehearsal.claude.script import Call, Say, Step, call, say
from dispatch.budget import ALL
from dispatch.diagnosis import SessionFacts
from dispatch.gates import RUNTIME, GateState
from dispatch.ports import Session
from dispatch.states import State
from dispatch.usage import MICRO_USD
from tests.incidents.facts import ANSWERED, NO_WORDS
from tests.incidents.house import House, opened, text_of

BREEDING = Step(tuple(Call("follow_up", {"text": f"look back, part {part}"}) for part in range(8)))
"""A turn that asks for eight more tasks."""


async def spent_today(house: House) -> int:
    """Micro-dollars, of everybody."""
    return (await house.building.books.standing()).spent.get(ALL, 0)


@pytest.mark.long
async def test_incident_10_one_fault_became_hundreds_of_tasks() -> None:
    """A fault of the whole system was retried task by task, 230 times in a day, and ten days later a renamed
    key let the same request in 392 times. Four hundred identical requests meet a broken runtime here.
    """
    async with opened(NO_WORDS, limits={"queued_per_person": 25}) as house:
        assert house.runner is not None
        said = await house.flood("ana", "p6 look at the failure", 400)
        refused = [answer for answer in said if "is the most for one person" in answer]
        assert 25 <= len(house.asked_by) <= 33
        assert len(refused) == 400 - len(house.asked_by), "and each is told so"
        await house.pass_time(hours=6)
        assert len(house.runner.sessions) <= 30, "the fault is tried for all, not by each"
        assert set(await house.states()) <= {State.QUEUED, State.HELD}
        assert {(await house.task(number)).strikes for number in house.asked_by} == {0}
        assert len(house.alarms()) == 1
        house.runner.facts = ANSWERED
        await house.pass_time(hours=2)
        assert await house.states() == {State.DONE: len(house.asked_by)}


@pytest.mark.long
async def test_incident_11_a_flood_ran_past_the_budget_and_its_stop_looked_like_a_stall() -> None:
    """A day that might cost $200 cost $272: urgent work was exempt. When the stop did hold, in a flood
    of 191 reviews, the watch took it for a stall and queued thirty tasks about it. Fifty stand for them.
    """
    budgets = {"day_usd": 5, "urgent_usd": 1}
    async with opened(budgets=budgets, tiers={"sonnet": {"cap_usd": "0.5"}}) as house:
        house.claude.script([Step((Say("Fine."),), usage={"output_tokens": 15_000})] * 200)
        await house.flood("ana", "p6 review", 25)
        await house.flood("sam", "p6 review", 25)
        await house.pass_time(hours=3)
        states = await house.states()
        assert set(states) == {State.DONE, State.HELD}
        spent = await spent_today(house)
        assert 3 * MICRO_USD < spent <= 4 * MICRO_USD, "the rest is kept for p1 and p2"
        held = [number for number in house.asked_by if (await house.task(number)).state is State.HELD][-1]
        assert "Held by budget" in house.card(held)
        assert "Resets at" in house.card(held)
        await house.flood("ana", "p1 it is down", 6)
        await house.pass_time(hours=3)
        assert await spent_today(house) <= 5.5 * MICRO_USD, "over it by one run at most"
        steps = [text_of(post).split(" % of")[0][-3:].strip("* ") for post in house.posts("budget")]
        assert steps[0] == "50"
        assert steps[-1] == "100"
        assert len(steps) == len(set(steps)), "each once"
        assert house.alarms() == [], "a budget is no stall"
        done = (await house.states())[State.DONE]
        await house.pass_time(hours=8)
        assert (await house.states())[State.DONE] > done, "the next day has money again"
        assert State.FAILED not in await house.states(range(1, 51))


async def test_incident_16_tasks_bred_tasks() -> None:
    """Sessions ended by queueing a look back at themselves, which did the same: 103 new tasks in an hour."""
    async with opened(tiers={"haiku": {"seats": 1}}) as house:
        house.claude.script([BREEDING, say("Done.")] * 200)
        (root,) = await house.ask(1, "p9 look back")
        await house.pass_time(hours=2)
        await house.settle()
        ends = await house.states(range(1, 32))
        assert ends == {State.DONE: 31}, "one, its five, and theirs: two deep and no further"
        assert len(house.claude.served) == 62
        assert len(house.posts("card")) == 31
        assert {(await house.task(number)).requester for number in range(1, 32)} == {
            (await house.task(root)).requester
        }


async def test_incident_16_what_woke_after_days_was_sent_all_the_same() -> None:
    """Hundreds of sleeping follow-ups woke together, and reports of last week went out. Here a follow-up that
    waited a day is given up, unpaid.
    """
    async with opened(tiers={"haiku": {"seats": 1}}) as house:
        house.claude.script([BREEDING, say("Done.")])
        house.claude.hold()
        (root,) = await house.ask(1, "p9 look back")
        await house.let_on(2)
        house.claude.fail("rate_limit", retry_after=86_400)
        house.claude.release()
        await house.settle()
        assert (await house.task(root)).state is State.DONE
        assert await house.states(range(2, 7)) == {State.QUEUED: 5}
        requests = len(house.claude.served)
        await house.pass_time(hours=25)
        assert await house.states(range(2, 7)) == {State.EXPIRED: 5}
        assert len(house.claude.served) == requests


async def test_incident_22_a_session_read_in_circles() -> None:
    """One session read 73 files again and again: 2.9 million tokens, thirteen times the usual price, and only
    the bill of the day showed it.
    """
    reading = {"cache_read_input_tokens": 900_000}
    async with opened() as house:
        house.claude.script([Step(call("progress", text="reading").blocks, usage=reading)] * 3)
        house.claude.hold()
        (number,) = await house.ask(1)
        await house.let_on(2)
        await house.pass_time(minutes=1)
        assert house.alarms() == []
        await house.let_on(3)
        await house.pass_time(minutes=1)
        (alarm,) = house.alarms()
        assert f"#{number} has used 2.7M tokens in one attempt" in alarm.text
        house.claude.release()
        await house.pass_time(minutes=1)
        assert (await house.task(number)).state is State.DONE, "it is a look, not a stop: the cap stops"
        assert "The session ended" in house.replies(alarm)[-1]


async def test_a_poisoned_task_at_the_head_of_the_line_stops_nobody_else() -> None:
    """A task that always fails like the runtime stood first in line all night, was tried again and again and
    held back all the others behind it.
    """

    def facts(session: Session) -> SessionFacts:
        return NO_WORDS if "poison" in session.prompt else ANSWERED

    async with opened(facts) as house:
        (poison,) = await house.ask(1, "p1 poison")
        others = []
        for _ in range(18):
            await house.pass_time(hours=1)
            others += await house.ask(1)
        await house.pass_time(hours=1)
        assert await house.states(others) == {State.DONE: 18}
        assert (await house.task(poison)).state is State.PARKED
        assert "something it runs on failed" in house.card(poison)
        assert len(await house.attempts(poison)) <= 40, "seldom"
        assert (await house.gate(RUNTIME)).state is GateState.OPEN


async def test_a_poisoned_task_spends_its_cap_and_no_more_in_a_night() -> None:
    """One task that never came to its end was paid for again and again: $313 in a night."""
    async with opened() as house:
        house.claude.script([Step((Say("and so on"),), usage={"output_tokens": 100_000})] * 50)
        house.claude.fail("max_tokens", times=50)
        (poison,) = await house.ask(1)
        await house.pass_time(hours=10)
        task = await house.task(poison)
        assert task.state is State.PARKED
        assert len(house.claude.served) == len(await house.attempts(poison)) == 3
        assert 0 < task.cost_micro_usd <= task.route.cap_micro_usd
