"""Whoever may not changes nothing in the real app, by whatever way, and is told so alone."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.access import Role, Rules
from bot.ports import ChatError
from tests.fakes.register import FakeRegister
from tests.integration.app_door import FORGED, SENT, AppDoor, Sent, app_door
from tests.integration.guarded import ANA, KIM, RUNS, SAM
from tests.integration.test_guard import ANYBODY, PROFILES, knowing, shut_out

CAREFUL = Rules(roles={Role.OPERATOR: frozenset({SAM})})
PEOPLE = {
    "the requester": ANA,
    "an operator": SAM,
    "a colleague": "UZOE00001",
    "a guest": KIM,
    "a stranger": "UMAX00001",
}


def team() -> FakeRegister:
    """Kim is a guest and max of another company."""
    return FakeRegister(profiles={KIM: PROFILES["guest"], PEOPLE["a stranger"]: PROFILES["stranger"]})


def may_not(
    sent: Sent, person: str, profile: str, within: bool, rules: Rules, shared: bool, outage: ChatError | None
) -> bool:
    """Whether nothing may come of it, told from the rules alone."""
    if sent.reads:
        return not outage and (profile == "bot" or (profile != "member" and not rules.guests))
    if sent.joins and person != ANA:
        return True
    told_so = shared and ("event" in sent.payload or "text" in sent.payload)
    heard = told_so or not outage
    return shut_out(sent, person, profile, within, rules, shared and heard, outage)  # type: ignore[arg-type]


def only_to(door: AppDoor, person: str) -> None:
    """Holds that what was told was told to that person alone."""
    for kind, channel, reader, _ in door.told():
        assert reader == person
        assert kind == "whisper" or channel.startswith("D")


@given(
    st.sampled_from(sorted(SENT)),
    *ANYBODY,
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_whoever_may_not_changes_nothing_and_is_told_alone(
    name: str,
    person: str,
    profile: str,
    within: bool,
    rules: Rules,
    shared: bool,
    outage: ChatError | None,
) -> None:
    sent = SENT[name]

    async def try_it(folder: Path) -> None:
        slack = knowing(person, profile, within=within, shared=shared, outage=outage)
        async with app_door(folder, rules, slack) as opened:
            before = opened.state()
            refused = may_not(sent, person, profile, within, rules, shared, outage)
            for again in (False, True):
                await opened.send(sent.payload, person, again=again, shared=shared)
                assert not refused or opened.state() == before
            only_to(opened, person)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(try_it(Path(folder)))


@pytest.mark.parametrize("name", sorted(SENT))
async def test_whoever_may_does_it_once_however_often_it_is_sent(tmp_path: Path, name: str) -> None:
    async with app_door(tmp_path, Rules(), team()) as opened:
        before = opened.state()
        await opened.send(SENT[name].payload, ANA)
        after = opened.state()
        assert after != before
        await opened.send(SENT[name].payload, ANA, again=True)
        if not SENT[name].operates:
            assert opened.state() == after


@pytest.mark.parametrize("who", ["a guest", "a stranger"])
@pytest.mark.parametrize("name", sorted(SENT))
async def test_whoever_is_shut_out_changes_nothing(tmp_path: Path, name: str, who: str) -> None:
    async with app_door(tmp_path, CAREFUL, team()) as opened:
        before = opened.state()
        said = await opened.send(SENT[name].payload, PEOPLE[who])
        assert opened.state() == before
        only_to(opened, PEOPLE[who])
        at_home = (SENT[name].payload.get("view") or {}).get("type") == "home"
        talk = name in ("words in a thread", "words in a steered thread")
        if not (talk or at_home):
            assert "guests and people of other companies" in " ".join(
                [said, *(one[3] for one in opened.told())]
            )


@pytest.mark.parametrize(
    "name", sorted(name for name, sent in SENT.items() if sent.others or sent.operates or sent.joins)
)
async def test_a_colleague_moves_nothing_of_others(tmp_path: Path, name: str) -> None:
    async with app_door(tmp_path, CAREFUL, team()) as opened:
        before = opened.state()
        await opened.send(SENT[name].payload, PEOPLE["a colleague"])
        assert opened.state() == before
        only_to(opened, PEOPLE["a colleague"])


async def test_what_a_colleague_says_to_us_in_a_thread_is_a_task_of_theirs_and_no_answer(
    tmp_path: Path,
) -> None:
    async with app_door(tmp_path, CAREFUL, team()) as opened:
        desk, zoe = opened.door.desk, PEOPLE["a colleague"]
        question, others = await desk.question(1), [await desk.show(number) for number in range(1, 11)]
        await opened.send(SENT["words to us in a thread"].payload, zoe)
        assert await desk.question(1) == question
        assert [await desk.show(number) for number in range(1, 11)] == others
        task, _ = await desk.show(11)
        assert (task.requester, task.words) == (zoe, "payments")


@pytest.mark.parametrize(
    ("who", "adds_to"), [("the requester", RUNS), ("an operator", RUNS), ("a colleague", None)]
)
async def test_only_the_requester_and_operators_add_to_a_task(
    tmp_path: Path, who: str, adds_to: int | None
) -> None:
    person = PEOPLE[who]
    async with app_door(tmp_path, CAREFUL, team()) as opened:
        before = await opened.door.desk.show(RUNS)
        await opened.send(SENT["words to us in a steered thread"].payload, person)
        task, _ = await opened.door.desk.show(11)
        assert (task.requester, task.behind, task.adds_to) == (person, RUNS, adds_to)
        assert await opened.door.desk.show(RUNS) == before


@pytest.mark.parametrize("role", [Role.OPUS, Role.REQUESTER])
async def test_whoever_may_not_run_it_any_more_adds_nothing_to_it(tmp_path: Path, role: Role) -> None:
    rules = Rules(roles={Role.OPERATOR: frozenset({SAM}), role: frozenset({KIM})}, guests=True)
    async with app_door(tmp_path, rules, team()) as opened:
        await opened.send(SENT["words to us in a steered thread"].payload, ANA)
        open_ones = [task.adds_to for task in await opened.door.desk.open_tasks()]
        assert (RUNS in open_ones) is (role is Role.OPUS), "it runs on Sonnet, for those who may ask"


@pytest.mark.parametrize("who", sorted(PEOPLE))
@pytest.mark.parametrize("name", sorted(FORGED))
async def test_what_is_forged_changes_nothing_whoever_sends_it(tmp_path: Path, name: str, who: str) -> None:
    async with app_door(tmp_path, CAREFUL, team()) as opened:
        before = opened.state()
        for again in (False, True):
            await opened.send(FORGED[name], PEOPLE[who], again=again)
            assert opened.state() == before
        only_to(opened, PEOPLE[who])
