"""What was said is forgotten in time, what it cost never."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.building import Building
from bot.chat import SlackChat
from bot.config import Settings
from bot.records import full_record
from dispatch.budget import Budgets, Purse
from dispatch.clock import SystemClock
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.errors import MoveRefused
from dispatch.forecast import likeness
from dispatch.policy import Seating, Settlement
from dispatch.questions import Ending, NewQuestion, QuestionKind
from dispatch.states import State
from dispatch.store import Store
from dispatch.store.retention import BATCH, ENTRIES
from dispatch.store.rows import bound
from dispatch.task import Outcome, Source, Verdict
from tests.integration.retention_room import KEEP, SAID, SECRET, Place


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path / "onequeue.db")
    yield Place(store)
    await store.close()


async def test_what_words_were_alike_is_forgotten_with_them(place: Place, tmp_path: Path) -> None:
    task = await place.ended("a", State.DONE)
    await place.deliver()
    place.clock.advance(KEEP + timedelta(seconds=1))
    now = place.clock.now() - timedelta(days=400)
    like = likeness(f"find {SAID}", None)
    assert len(await place.store.queue.answered(task.route.tier, now, 9, like)) == 1
    assert await place.forget() == 1
    assert await place.store.queue.answered(task.route.tier, now, 9, like) == []
    assert len(await place.store.queue.answered(task.route.tier, now, 9)) == 1


async def test_words_go_and_sums_stay(place: Place) -> None:
    tasks = [
        await place.ended("a", State.DONE),
        await place.ended("b", State.FAILED),
        await place.ended("c", State.CANCELLED, priority=9),
        await place.store.queue.cancel((await place.add("d")).id, "UANA00001", place.clock.now()),
    ]
    await place.deliver()
    day = place.clock.now().date()
    full_before = [await place.desk.dispatcher.show(task.id) for task in tasks]
    place.clock.advance(KEEP)
    before = await place.books(day)
    assert await place.forget() == 0, "not a moment too early"
    place.clock.advance(timedelta(seconds=1))
    assert await place.forget() == 4
    assert await place.books(day) == before
    for task, attempts in full_before:
        now, runs = await place.desk.dispatcher.show(task.id)
        assert (now.words, now.forgotten) == ("", True)
        expected, record = full_record(task, attempts, ()), full_record(now, runs, ())
        for changed in ("words", "forgotten", "answer", "runs"):
            del expected[changed], record[changed]
        assert record == expected
        assert (now.request_key, now.message) == (task.request_key, task.message)
        for was, run in zip(attempts, runs, strict=True):
            assert (was.has_transcript, run.has_transcript) == (True, False)
            assert (run.text, run.progress) == ("", "")
            assert (run.fault and run.fault.kind) == (was.fault and was.fault.kind)
            assert run.cost_micro_usd == was.cost_micro_usd > 0
            assert (run.unpriced, run.prompt_tokens, run.output_tokens) == (1, 20, 40)
    with closing(sqlite3.connect(place.store.database.path)) as raw:
        assert raw.execute("SELECT count(*) FROM delivery").fetchone() == (0,)
        assert raw.execute("SELECT count(*) FROM transcript").fetchone() == (0,)
        assert raw.execute("SELECT DISTINCT detail FROM history").fetchall() == [("",)]


async def test_how_long_it_waited_for_a_budget_stays(place: Place) -> None:
    task, midnight = await place.add("a"), place.clock.now() - timedelta(hours=12)
    tight, wide = Budgets(everybody=5_000_000, urgent=5_000_000), Budgets()
    until = midnight + timedelta(days=1)
    now = place.clock.now()
    held = Purse(tight, midnight, until)
    assert await place.store.queue.claim(task.route.tier, Seating(9), now, now, held) is None
    place.clock.advance(timedelta(minutes=41))
    free = Purse(wide, midnight, until)
    assert await place.store.queue.release(free, {task.route.tier: 9}, place.clock.now()) == 1
    await place.run(task, State.DONE)
    await place.deliver()
    day = place.clock.now().date()
    (wait,) = (await place.desk.books.digest(day, day)).findings.waits
    assert wait.longest == timedelta(minutes=41)
    place.clock.advance(2 * KEEP)
    before = await place.books(day)
    assert await place.forget() == 1
    assert await place.books(day) == before


async def test_not_a_byte_of_it_is_left_in_the_file(place: Place) -> None:
    for number in range(20):
        await place.ended(f"k{number}", State.FAILED if number % 2 else State.DONE)
    path = place.store.database.path
    place.clock.advance(2 * KEEP)
    await place.store.database.tidy()
    assert SECRET in path.read_bytes()
    assert await place.forget() == 20
    await place.store.database.tidy()
    assert SECRET not in path.read_bytes()
    assert SECRET not in path.with_name(f"{path.name}-wal").read_bytes()


async def test_what_was_asked_and_answered_is_forgotten_too(place: Place) -> None:
    task, now = await place.add("k"), place.clock.now()
    claim = await place.store.queue.claim(task.route.tier, Seating(9), now + KEEP, now)
    assert claim
    better = replace(task.route, reason=SAID)
    for kind in QuestionKind:
        new = NewQuestion(kind, f"ask {SAID} {kind}", SAID, (SAID,), better, answer=f"say {SAID}")
        await place.store.questions.ask(claim, new, now, now)
    outcome = Outcome(Verdict.ASKED, conversation=SECRET)
    await place.store.queue.settle(claim, outcome, Settlement(State.WAITING), now)
    await place.store.queue.cancel(task.id, "UANA00001", now)
    await place.deliver()
    place.clock.advance(2 * KEEP)
    await place.store.database.tidy()
    assert SECRET in place.store.database.path.read_bytes()
    assert await place.forget() == 1
    await place.store.database.tidy()
    assert SECRET not in place.store.database.path.read_bytes()
    asked = await place.store.queue.questions(task.id)
    assert [(one.text, one.ending) for one in asked] == [("", Ending.ANSWERED)] * 3


async def test_what_has_not_ended_or_ended_lately_is_remembered(place: Place) -> None:
    queued = await place.add("queued", priority=9)
    old = await place.ended("old", State.FAILED)
    place.clock.advance(KEEP)
    assert (await place.store.queue.retry(old.id, "U1", place.clock.now())).state is State.QUEUED
    place.clock.advance(KEEP)
    assert await place.forget() == 0
    await place.run(await place.task(old), State.DONE)
    await place.deliver()
    assert await place.forget() == 0
    assert SAID in (await place.task(queued)).words
    assert SAID in (await place.task(old)).words


async def test_an_answer_that_nobody_has_seen_yet_is_not_forgotten(place: Place) -> None:
    task = await place.run(await place.add("k"), State.DONE)
    place.clock.advance(2 * KEEP)
    assert await place.forget() == 0
    await place.deliver()
    assert await place.forget() == 1
    assert (await place.task(task)).forgotten


async def test_a_forgotten_task_never_runs_again(place: Place) -> None:
    task = await place.ended("slash:1", State.FAILED)
    done = await place.ended("slash:2")
    place.clock.advance(2 * KEEP)
    await place.forget()
    with pytest.raises(MoveRefused, match=f"#{task.id} ended long ago and its words are no longer kept"):
        await place.store.queue.retry(task.id, "U1", place.clock.now())
    with pytest.raises(MoveRefused, match="done stays done"):
        await place.store.queue.retry(done.id, "U1", place.clock.now())
    again = await place.add("slash:1")
    assert again == await place.task(task), "a replayed request is known for ever"
    assert await place.store.queue.counts() == {}
    with closing(sqlite3.connect(place.store.database.path)) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute("UPDATE task SET state = 'queued', finished_at = NULL WHERE id = ?", (task.id,))


async def test_a_follow_up_is_forgotten_with_its_parent_and_its_key_too(place: Place) -> None:
    parent = await place.add("parent", priority=5)
    key = f"follow-up:{parent.id}:None:find {SAID}"
    follow_up: dict[str, Any] = {"source": Source.FOLLOW_UP, "parent": parent.id, "depth": 1}
    child = await place.ended(key, priority=9, **follow_up)
    place.clock.advance(2 * KEEP)
    assert await place.forget() == 0, "the parent may still ask for it again"
    assert (await place.add(key, priority=9, **follow_up)).id == child.id
    await place.run(parent, State.FAILED)
    await place.deliver()
    place.clock.advance(2 * KEEP)
    assert await place.forget() == 2
    assert (await place.task(child)).request_key == f"forgotten:{child.id}"
    assert await place.store.queue.children(parent.id) == 1


async def test_private_answers_are_forgotten_once_they_are_sent(place: Place) -> None:
    outbox = place.store.outbox
    for kind in (DeliveryKind.WHISPER, DeliveryKind.DIGEST):
        await outbox.put(NewDelivery(f"sent:{kind}", kind, "COPS00001", SAID), place.clock.now())
    await place.deliver()
    await outbox.put(NewDelivery("due", DeliveryKind.WHISPER, "COPS00001", SAID), place.clock.now())
    place.clock.advance(2 * KEEP)
    await outbox.put(NewDelivery("late", DeliveryKind.WHISPER, "COPS00001", SAID), place.clock.now())
    late = (await outbox.due(place.clock.now(), 9))[-1]
    await outbox.sent(late.id, late.revision, "m", place.clock.now())
    await place.forget()
    with closing(sqlite3.connect(place.store.database.path)) as raw:
        keys = raw.execute("SELECT key FROM delivery ORDER BY id").fetchall()
    assert keys == [("due",), ("late",)]


async def test_the_running_process_forgets_by_the_hour_as_the_settings_say(place: Place) -> None:
    task = await place.ended("k")
    with closing(sqlite3.connect(place.store.database.path, isolation_level=None)) as raw:
        raw.execute("UPDATE task SET finished_at = ?", (bound(SystemClock().now() - timedelta(days=7)),))
    for days, forgotten in ((30, False), (1, True)):
        settings = Settings(retention_days=days)
        building = Building(settings, place.store, SlackChat("", settings.slack.api_url), SystemClock())
        job = building.schedule()._scheduler.get_job("retention")
        assert job.trigger.interval == timedelta(hours=1)
        await job.func(*job.args)
        assert (await place.task(task)).forgotten is forgotten


async def test_many_are_forgotten_in_batches_and_others_write_in_between(place: Place) -> None:
    count = 2 * BATCH + 7
    with closing(sqlite3.connect(place.store.database.path, isolation_level=None)) as raw:
        raw.execute(
            "INSERT INTO task (state, request_key, source, requester, words, priority, tier, model, reason,"
            " cap_micro_usd, channel, quote_thread, depth, created_at, updated_at)"
            " WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)"
            " SELECT 'queued', n, 'cli', 'U1', 'words', 3, 'opus', 'm', '', 1, '', 0, 0, n, n FROM number",
            (count,),
        )
        raw.execute("UPDATE task SET state = 'cancelled', finished_at = id")
    now = place.clock.now()
    assert await place.store.retention.forget_batch(now - KEEP, now) == BATCH
    assert await place.forget() == count - BATCH
    assert await place.forget() == 0


async def test_long_transcripts_are_forgotten_in_batches_before_their_task_is(place: Place) -> None:
    old = await place.ended("old", State.FAILED)
    with closing(sqlite3.connect(place.store.database.path, isolation_level=None)) as raw:
        raw.execute(_ENTRIES, (old.id, 2 * ENTRIES))
        place.clock.advance(2 * KEEP)
        young = await place.ended("young", State.FAILED)
        before = place.clock.now() - KEEP
        assert await place.store.retention.forget_entries(before) == ENTRIES
        assert not (await place.task(old)).forgotten
        assert await place.forget() == 1
        kept = raw.execute("SELECT task_id, count(*) FROM transcript GROUP BY task_id").fetchall()
    assert kept == [(young.id, 3)]


_ENTRIES = """
INSERT INTO transcript (task_id, attempt, number, at, who, kind, text)
WITH RECURSIVE number (n) AS (SELECT 4 UNION ALL SELECT n + 1 FROM number WHERE n < ?2)
SELECT ?1, 1, n, 0, 'model', 'said', 'words' FROM number
"""


async def test_no_table_keeps_what_was_said(place: Place) -> None:
    await place.ended("a", State.FAILED)
    await place.ended("b", State.DONE)
    place.clock.advance(2 * KEEP)
    path = place.store.database.path
    assert _speaking(path) == {"task", "attempt", "transcript"}
    assert await place.forget() == 2
    assert _speaking(path) == set()


def _speaking(path: Path) -> set[str]:
    """The tables that hold what was said."""
    with closing(sqlite3.connect(path)) as raw:
        return {line.split('"')[1] for line in raw.iterdump() if SAID in line}
