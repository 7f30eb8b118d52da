"""No way leads past the guard: words, buttons and replayed payloads change only what their sender may."""

import asyncio
import inspect
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.access import Act, Request, Role, Rules
from bot.guard import Guard
from bot.ports import ChatError, Desk, NoAnswer, Profile, Room
from dispatch.errors import MoveRefused, NotAdmitted
from dispatch.routing import DEFAULT_TABLE
from dispatch.task import NewTask, Source
from tests.fakes.register import TEAM, FakeRegister
from tests.integration.guarded import ANA, ANSWERED, HELD, KIM, OPS, QUEUED, SAM, WAYS, Way, door

GROUP, SHOWN = (
    "SENG00001",
    frozenset(
        {
            "show",
            "history",
            "open_tasks",
            "question",
            "questions",
            "asked_in",
            "gates",
            "outlooks",
            "in_thread",
            "paused",
        }
    ),
)
MEMBER = Profile(frozenset({TEAM}))
PROFILES = {
    "member": MEMBER,
    "guest": Profile(frozenset({TEAM}), guest=True),
    "stranger": Profile(frozenset({"TELSE0001"})),
    "bot": Profile(frozenset({TEAM}), bot=True),
}
OUTAGE = NoAnswer("it is down", in_doubt=False)
IDS = st.frozensets(st.sampled_from([ANA, SAM, KIM, GROUP]), max_size=2)
RULES = st.builds(
    Rules,
    roles=st.dictionaries(st.sampled_from(Role), IDS),
    channels=st.sampled_from([frozenset[str](), frozenset({OPS}), frozenset({"CPAY00001"})]),
    scripts=st.dictionaries(st.just("status"), IDS | st.none()),
    guests=st.booleans(),
    shared_channels=st.booleans(),
)
ANYBODY = (
    st.sampled_from([ANA, SAM, KIM]),
    st.sampled_from(sorted(PROFILES)),
    st.booleans(),
    RULES,
    st.booleans(),
    st.sampled_from([None, OUTAGE]),
)
"""Somebody, guest or not, under some rules, in a channel that others may read, perhaps in an outage."""


def knowing(
    person: str, profile: str, *, within: bool, shared: bool, outage: ChatError | None
) -> FakeRegister:
    """A Slack that says so of that person and of the channel."""
    return FakeRegister(
        profiles={person: PROFILES[profile]},
        rooms={OPS: Room("ops", shared)},
        groups={GROUP: frozenset({person} if within else ())},
        error=outage,
    )


def shut_out(
    way: Way, person: str, profile: str, within: bool, rules: Rules, shared: bool, outage: ChatError | None
) -> bool:
    """Whether nothing may come of it, told from the rules alone and without the code that judges."""

    def among(named: frozenset[str]) -> bool:
        return person in named or (within and GROUP in named and not outage)

    def maybe(named: frozenset[str]) -> bool:
        return among(named) or (outage is not None and GROUP in named)

    operators = rules.named(Role.OPERATOR)
    operates = not operators or among(operators)
    if not outage and (profile == "bot" or (profile != "member" and not rules.guests)):
        return True
    if (way.operates or (way.others and person != ANA)) and not operates:
        return True
    if not way.starts:
        return False
    told_so = not outage or "actions" not in way.payload
    if shared and told_so and not way.direct and not rules.shared_channels:
        return True
    if rules.channels and OPS not in rules.channels and not way.direct:
        return True
    if way.script and "status" in rules.scripts:
        named = rules.scripts["status"]
        if named is not None:
            return not among(named)
        if not operates:
            return True
    if operators and operates:
        return False
    for wanted, role in ((way.urgent, Role.URGENT), (way.opus, Role.OPUS)):
        if wanted and rules.named(role) and not among(rules.named(role)):
            return True
    asking = rules.named(Role.REQUESTER)
    return bool(asking) and not maybe(asking | operators)


@given(
    st.sampled_from(sorted(WAYS)),
    *ANYBODY,
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_nobody_changes_what_they_may_not_by_any_way(
    name: str,
    person: str,
    profile: str,
    within: bool,
    rules: Rules,
    shared: bool,
    outage: ChatError | None,
) -> None:
    way = WAYS[name]

    async def try_it(folder: Path) -> None:
        slack = knowing(person, profile, within=within, shared=shared, outage=outage)
        async with door(folder, rules, slack) as opened:
            for _ in range(2):
                await opened.take(way, person, shared=shared)
                refused = shut_out(way, person, profile, within, rules, shared, outage)
                assert not (refused and opened.changed)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(try_it(Path(folder)))


@pytest.mark.parametrize("name", sorted(WAYS))
async def test_by_every_way_it_works_for_whoever_may(tmp_path: Path, name: str) -> None:
    async with door(tmp_path, Rules(), FakeRegister()) as opened:
        await opened.take(WAYS[name], ANA)
        assert opened.changed


@pytest.mark.parametrize("name", sorted(WAYS.keys() - {"words in a thread", "words in a steered thread"}))
async def test_by_every_way_whoever_may_not_is_told_so(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    slack = FakeRegister(profiles={KIM: PROFILES["guest"]})
    async with door(tmp_path, Rules(roles={Role.OPERATOR: frozenset({SAM})}), slack) as opened:
        told = await opened.answer_to(WAYS[name], KIM)
        assert "guests and people of other companies may not do that here. Ask sam." in told
        assert not opened.changed
    assert f"by {KIM} (no member of the workspace)" in caplog.text
    assert "tidy" not in caplog.text
    assert "payments" not in caplog.text


async def test_what_somebody_else_says_in_a_thread_is_talk(tmp_path: Path) -> None:
    async with door(tmp_path, Rules(roles={Role.OPERATOR: frozenset({SAM})}), FakeRegister()) as opened:
        for person in (KIM, SAM):
            await opened.take(WAYS["words in a thread"], person)
            assert not opened.changed


@pytest.mark.parametrize("words", ["list", f"show {QUEUED}", f"show {QUEUED} --history", "cost"])
async def test_whoever_is_shut_out_is_told_nothing_of_tasks(tmp_path: Path, words: str) -> None:
    slack = FakeRegister(profiles={KIM: PROFILES["stranger"]})
    async with door(tmp_path, Rules(), slack) as opened:
        said = {
            person: await opened.intake.slash(
                {"trigger_id": "1", "channel_id": OPS, "text": words, "user_id": person}
            )
            for person in (KIM, SAM)
        }
    assert said[KIM].startswith("Not shown: guests and people of other companies may not do that here.")
    assert not said[SAM].startswith("Not shown")


async def test_a_colleague_is_told_who_can_help(tmp_path: Path) -> None:
    slack = FakeRegister(groups={GROUP: frozenset({SAM, "UZOE00001"})})
    async with door(tmp_path, Rules(roles={Role.OPERATOR: frozenset({GROUP})}), slack) as opened:
        said = await opened.answer_to(WAYS["/task: cancel"], KIM)
        assert said == (
            "Nothing done: only the person who asked for #1, or an operator, may do that. "
            "Ask ana, sam or zoe."
        )
        await opened.take(WAYS["/task: cancel"], SAM)
        assert opened.changed


async def test_a_channel_that_others_read_takes_nothing_whoever_says_that_it_is(tmp_path: Path) -> None:
    slack = FakeRegister(rooms={OPS: Room("ops", shared=True)})
    async with door(tmp_path, Rules(), slack) as opened:
        assert (await opened.answer_to(WAYS["/task: a task"], ANA)).startswith(
            "Not queued: people of another company read this channel, so I take no tasks here."
        )
        assert (await opened.answer_to(WAYS["button: cheaper"], ANA)).startswith(
            f"Nothing done: people of another company read the channel of #{HELD}, so nothing runs there."
        )
        assert not opened.changed
        assert (await opened.answer_to(WAYS["/task: cancel"], ANA)).startswith("#1 is cancelled")


async def test_tasks_are_taken_only_where_the_settings_say(tmp_path: Path) -> None:
    async with door(tmp_path, Rules(channels=frozenset({"CPAY00001"})), FakeRegister()) as opened:
        said = await opened.answer_to(WAYS["/task: a task"], ANA)
        assert said == "Not queued: tasks are taken only in direct messages and #pay."
        await opened.take(WAYS["direct message: a task"], ANA)
        assert opened.changed


async def test_what_takes_a_right_says_what_to_send_instead(tmp_path: Path) -> None:
    roles = {Role.URGENT: frozenset({SAM}), Role.OPUS: frozenset({SAM, GROUP})}
    async with door(tmp_path, Rules(roles=roles), FakeRegister(groups={GROUP: frozenset({KIM})})) as opened:
        assert await opened.answer_to(WAYS["/task: an urgent task"], ANA) == (
            "Not queued: p1 and p2 are only for some people here. Send it as `p3`, or ask sam to raise it."
        )
        assert await opened.answer_to(WAYS["/task: a task on Opus"], ANA) == (
            "Not queued: Opus is only for some people here. Send it as `p5`, or ask kim or sam to raise it."
        )
        assert not opened.changed
        assert (await opened.answer_to(WAYS["/task: a task on Opus"], KIM)).startswith("Queued as #10")


async def test_a_form_goes_on_from_a_task_only_for_whoever_reads_its_channel(tmp_path: Path) -> None:
    """A reply shows by itself that whoever writes it does."""
    rooms, groups = {OPS: Room("ops", shared=False)}, {OPS: frozenset({KIM})}
    async with door(tmp_path, Rules(), FakeRegister(rooms=rooms, groups=groups)) as opened:
        guard = opened.guard
        form = NewTask("form:1", Source.FORM, SAM, "and?", 5, channel=OPS, parent=ANSWERED)
        with pytest.raises(NotAdmitted, match=f"#{ANSWERED} was asked where you do not read along"):
            await guard.submit(form)
        with pytest.raises(MoveRefused, match=f"#{ANSWERED} was asked where you do not read along"):
            await guard.parent(ANSWERED, SAM)
        assert not opened.changed
        await guard.submit(replace(form, request_key="reply:1", source=Source.MENTION))
        for person in (ANA, KIM):
            assert (await guard.parent(ANSWERED, person)).id == ANSWERED
            await guard.submit(replace(form, request_key=f"form:{person}", requester=person))


class Refusing:
    """`guard.Judge` that refuses everything, and notes what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Act, str]] = []

    async def refusal(self, person: str, request: Request, what: str) -> str | None:
        self.asked.append((person, request.act, what))
        return "no."


async def test_every_method_of_the_desk_is_judged_or_only_reads(tmp_path: Path) -> None:
    """A method that comes to the desk is tried here by itself: what has no judge in it fails."""
    methods = [name for name, _ in inspect.getmembers(Desk, inspect.isfunction) if not name.startswith("_")]
    async with door(tmp_path, Rules(), FakeRegister()) as opened:
        judge = Refusing()
        guard = Guard(opened.desk, judge, DEFAULT_TABLE)
        changing = [name for name in methods if name not in SHOWN]
        for name in changing:
            method = getattr(guard, name)
            with pytest.raises((MoveRefused, NotAdmitted)):
                await method(**arguments(method))
            assert not opened.changed
        assert [what for _, _, what in judge.asked] == changing
        assert {person for person, _, _ in judge.asked} == {KIM}


def arguments(method: Any) -> dict[str, object]:
    """What a method of the desk is given for a task that it could move."""
    given = {"new": NewTask("slash:new", Source.SLASH, KIM, "words", 5, channel=OPS), "question_id": 1}
    given |= {"actor": KIM, "person": KIM, "answer": "payments", "key": "key", "task_id": QUEUED}
    given |= {"priority": 1, "liked": True}
    wanted = inspect.signature(method).parameters.values()
    return {one.name: given[one.name] for one in wanted if one.name in given or one.default is one.empty}


async def test_reading_goes_through(tmp_path: Path) -> None:
    async with door(tmp_path, Rules(), FakeRegister()) as opened:
        guard = Guard(opened.desk, Refusing(), DEFAULT_TABLE)
        assert (await guard.show(QUEUED))[0].id == QUEUED
        assert [step.actor for step in await guard.history(QUEUED)] == [ANA]
        assert len(await guard.open_tasks(10)) == 6
        assert (await guard.question(1)).task_id == (await guard.questions(4))[0].task_id == 4
        assert await guard.asked_in(OPS, "1700000000.000100", "no") is not None
        assert set(await guard.gates()) == {"account"}
