"""Outages in which something ran, was paid for or was said twice, or was lost between two processes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.manifest import manifest
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.claude.script import call, say
from bot.rehearsal.slack import SlackSim
from dispatch.clock import SystemClock
from dispatch.errors import LeaseLost, StoreBusy
from dispatch.policy import Settlement
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, Outcome, Verdict
from dispatch.worker import LEASE
from tests.acceptance.process import Bot, environment
from tests.incidents.between import SAM
from tests.incidents.facts import ALLOWED
from tests.incidents.house import opened, text_of
from tests.incidents.story import contradictions


def seen(slack: SlackSim, words: str) -> int:
    """In how many messages of the channel these words stand."""
    return sum(words in post.text for post in slack.messages("#payments"))


async def test_incident_09_good_news_was_taken_for_a_refusal() -> None:
    """News that the limits allowed a session was read as a denial, its finished task was queued again, and a
    report went out three times. A scripted end brings such news; the run is then replayed four times.
    """
    async with opened(ALLOWED) as house:
        house.slack.fault("chat.postMessage", "reset", times=3)
        (number,) = await house.ask(1)
        await house.pass_time(minutes=5)
        task = await house.task(number)
        assert task.state is State.DONE
        claim = Claim(task, task.attempt, house.clock.now() + LEASE, task.route.cap_micro_usd)
        for _ in range(4):
            with pytest.raises(LeaseLost):
                await house.store.queue.settle(
                    claim, Outcome(Verdict.ANSWERED, "again"), Settlement(State.DONE), house.clock.now()
                )
        assert "done stays done" in await house.slash("ana", f"retry {number}")
        await house.restart()
        await house.pass_time(hours=1)
        assert len(await house.attempts(number)) == 1
        assert len(house.posts("answer")) == len(house.posts("card")) == 1


@pytest.mark.long
async def test_incident_12_a_power_cut_was_counted_as_637_failures(tmp_path: Path) -> None:
    """The power failed, and whatever had been running was written down as failed, one bug each.

    A process of its own is killed here, on the real clock; each of its tasks goes on once.
    """
    slack, claude = SlackSim(manifest()), ClaudeSim(now=SystemClock().now)
    await slack.start()
    await claude.start()
    bot = Bot(environment(tmp_path, slack, claude), tmp_path)
    try:
        await bot.start()
        claude.hold()
        for number in (1, 2, 3):
            await slack.slash("ana", "#payments", f"p6 review {number}")
        await claude.wait_for_held(3, timeout=20)
        await bot.kill()
        claude.release()
        await bot.start()
        await slack.wait_for(
            lambda _: seen(slack, "· done") == 3 and seen(slack, "was lost") >= 3, timeout=30
        )
        await bot.kill()
        with closing(sqlite3.connect(tmp_path / "onequeue.db")) as raw:
            assert contradictions(raw) == []
            runs = raw.execute("SELECT task_id, verdict FROM attempt ORDER BY task_id, number").fetchall()
        assert runs == [(number, verdict) for number in (1, 2, 3) for verdict in ("lost", "answered")]
        assert seen(slack, "was lost") == 3, "each thread hears of it once"
    finally:
        claude.release()
        await bot.kill()
        await slack.close()
        await claude.close()


async def test_incident_17_the_same_thing_was_posted_under_two_keys() -> None:
    """Two callers named one effect differently, so it happened twice. A request has one name here however it
    arrives, and so has a follow-up that two attempts of one task ask for.
    """
    async with opened() as house:
        house.slack.duplicate(4)
        await house.slack.say("sam", "#payments", "@Onequeue p6 post it")
        await house.settle()
        house.asked_by[1] = SAM
        assert await house.states() == {State.DONE: 1}
        assert len(house.posts("card")) == len(house.posts("answer")) == 1
        once = call("follow_up", text="post it")
        house.claude.script([once, say("It is posted."), once, say("All of it.")])
        house.claude.hold()
        requests = len(house.claude.served)
        (parent,) = await house.ask(1, "p9 sum up")
        house.claude.fail("rate_limit", retry_after=60, model="claude-haiku-5-5")
        await house.pass_time(seconds=1)
        assert len(house.claude.served) == requests
        house.claude.release()
        await house.pass_time(minutes=5)
        assert [run.verdict for run in await house.attempts(parent)] == [Verdict.FAILED, Verdict.ANSWERED]
        assert await house.states((parent, parent + 1)) == {State.DONE: 2}
        assert len(house.posts("card")) == 3, "one follow-up"


async def test_incident_20_a_number_used_again_named_the_wrong_owner() -> None:
    """A lock that knew only a process id took a stranger for its owner, a row's number was given out again,
    and tasks ran twice. Here an attempt is fenced, one process writes, and no number comes back.
    """
    async with opened() as house:
        with pytest.raises(StoreBusy):
            await Store.open(house.settings.database)
        house.claude.hold()
        (number,) = await house.ask(1)
        first = await house.task(number)
        assert await house.store.queue.sweep(house.clock.now() + 2 * LEASE) == 1
        await house.pass_time(seconds=30)
        owner = Claim(first, 1, house.clock.now() + LEASE, first.route.cap_micro_usd)
        with pytest.raises(LeaseLost):
            await house.store.ledger.open(owner, first.route.model, house.clock.now())
        house.claude.release()
        await house.pass_time(minutes=1)
        await house.settle()
        assert [run.verdict for run in await house.attempts(number)] == [Verdict.LOST, Verdict.ANSWERED]
        assert len(house.posts("answer")) == 1
        with closing(sqlite3.connect(house.settings.database)) as raw:
            (table,) = raw.execute("SELECT sql FROM sqlite_schema WHERE name = 'task'").fetchone()
        assert "AUTOINCREMENT" in table


async def test_incident_24_an_upgrade_needed_an_idle_moment_that_never_came() -> None:
    """The task that was to upgrade the runtime could run only while none ran, and 32 versions went by.

    An upgrade is a restart here, at any moment: what runs goes back to its place and loses nothing by it.
    """
    async with opened() as house:
        house.claude.hold()
        numbers = await house.ask(6, "p6 review")
        assert (await house.states())[State.RUNNING] == 4
        await house.restart()
        assert (await house.states())[State.RUNNING] == 4
        house.claude.release()
        await house.pass_time(minutes=2)
        assert await house.states() == {State.DONE: 6}
        for number in numbers[:4]:
            assert [run.verdict for run in await house.attempts(number)] == [Verdict.LOST, Verdict.ANSWERED]
            assert (await house.task(number)).losses == 0
        assert {text_of(post).count("stopped") > 0 for post in house.posts("restart")} == {True}
