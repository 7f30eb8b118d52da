"""What Slack says of people, kept and asked again, also where it says nothing."""

import asyncio
from datetime import timedelta

import pytest

from bot.access import Kind, Person
from bot.directory import KEPT, Directory
from bot.ports import ChatError, NoAnswer, Profile, RateLimited, Refused, Room
from tests.fakes.clock import FakeClock
from tests.fakes.register import MEMBER, TEAM, FakeRegister

ANA, KIM, GROUP, OPS = "UANA00001", "UKIM00001", "SENG00001", "COPS00001"
OUTAGE = NoAnswer("it is down", in_doubt=False)


class Place:
    def __init__(self) -> None:
        self.slack = FakeRegister(groups={GROUP: frozenset({ANA})})
        self.clock = FakeClock()
        self.directory = Directory(self.slack, TEAM, self.clock, patience=0.05)

    async def person(self, who: str = ANA, channel: str = "") -> Person:
        return await self.directory.person(who, [GROUP], channel)


@pytest.fixture
async def place() -> Place:
    return Place()


@pytest.mark.parametrize(
    ("profile", "kind"),
    [
        (MEMBER, Kind.MEMBER),
        (Profile(frozenset({"TELSE0001", TEAM})), Kind.MEMBER),
        (Profile(frozenset()), Kind.MEMBER),
        (Profile(frozenset({TEAM}), guest=True), Kind.GUEST),
        (Profile(frozenset({"TELSE0001"})), Kind.STRANGER),
        (Profile(frozenset({"TELSE0001"}), guest=True), Kind.STRANGER),
        (Profile(frozenset({TEAM}), stranger=True), Kind.STRANGER),
        (Profile(frozenset({TEAM}), gone=True), Kind.STRANGER),
        (Profile(frozenset({TEAM}), bot=True), Kind.BOT),
    ],
)
async def test_what_somebody_is(place: Place, profile: Profile, kind: Kind) -> None:
    place.slack.profiles[KIM] = profile
    assert await place.person(KIM) == Person(KIM, kind)


async def test_whom_slack_does_not_know_is_a_stranger(place: Place) -> None:
    place.slack.error = Refused("user_not_found")
    assert (await place.directory.person(KIM, [])).kind is Kind.STRANGER


async def test_it_asks_once_for_some_minutes_and_then_again(place: Place) -> None:
    expected = Person(ANA, Kind.MEMBER, frozenset({GROUP}))
    for _ in range(3):
        assert await place.person(channel=OPS) == expected
    assert sorted(place.slack.calls) == [OPS, GROUP, ANA]
    place.clock.advance(KEPT)
    place.slack.groups[GROUP] = frozenset()
    assert await place.person() == Person(ANA, Kind.MEMBER)


async def test_those_who_ask_at_once_share_one_call(place: Place) -> None:
    await asyncio.gather(*(place.person() for _ in range(5)))
    assert sorted(place.slack.calls) == [GROUP, ANA]


@pytest.mark.parametrize("error", [OUTAGE, RateLimited(30), Refused("missing_scope")])
async def test_what_was_known_counts_through_an_outage(place: Place, error: ChatError) -> None:
    await place.directory.person(ANA, [])
    place.slack.error = error
    place.clock.advance(timedelta(days=1))
    assert (await place.directory.person(ANA, [])).kind is Kind.MEMBER


async def test_in_an_outage_what_was_never_known_is_not_known(place: Place) -> None:
    place.slack.error = OUTAGE
    assert await place.person() == Person(ANA, None, unknown=frozenset({GROUP}))
    calls = len(place.slack.calls)
    assert await place.person() == Person(ANA, None, unknown=frozenset({GROUP}))
    assert len(place.slack.calls) == calls, "not asked again at once"
    place.slack.error = None
    place.clock.advance(timedelta(seconds=30))
    assert await place.person() == Person(ANA, Kind.MEMBER, frozenset({GROUP}))


async def test_in_a_group_that_slack_refuses_to_show_is_nobody(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    del place.slack.groups[GROUP]
    assert await place.person() == Person(ANA, Kind.MEMBER)
    assert f"who is in {GROUP} (no_such_subteam): nobody counts" in caplog.text


async def test_a_slow_slack_holds_up_one_request_and_no_other(place: Place) -> None:
    place.slack.slow = True
    assert await place.person() == Person(ANA, None, unknown=frozenset({GROUP}))
    begun = asyncio.get_running_loop().time()
    assert (await place.person(KIM)).kind is None
    assert asyncio.get_running_loop().time() - begun < 0.05
    place.slack.answering.set()
    async with asyncio.timeout(5):
        while (await place.person(KIM)).kind is None:
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    assert await place.person() == Person(ANA, Kind.MEMBER, frozenset({GROUP})), (
        "the answers came to be known"
    )
    assert sorted(place.slack.calls) == [GROUP, ANA, KIM]


async def test_a_request_may_say_that_its_channel_is_shared(place: Place) -> None:
    await place.person(channel=OPS)
    assert place.directory.room(OPS) == Room("ops", shared=False)
    place.directory.heard_shared(OPS)
    assert place.directory.room(OPS) == Room("ops", shared=True)
    place.clock.advance(KEPT)
    await place.person(channel=OPS)
    assert place.directory.room(OPS) == Room("ops", shared=False)


async def test_groups_stand_for_people_and_people_have_names(place: Place) -> None:
    place.slack.groups[GROUP] = frozenset({ANA, "USAM00001"})
    people = await place.directory.people([KIM, GROUP])
    assert people == [ANA, KIM, "USAM00001"]
    assert await place.directory.names(people) == {ANA: "ana", KIM: "kim", "USAM00001": "sam"}
    assert await place.directory.room_names([OPS]) == {OPS: "ops"}
    place.slack.error = OUTAGE
    assert await place.directory.names([ANA, "UNEW00001"]) == {ANA: "ana"}


async def test_a_member_reads_public_channels_and_anybody_the_ones_they_are_in(place: Place) -> None:
    place.slack.profiles[KIM] = Profile(frozenset({TEAM}), guest=True)
    place.slack.rooms = {OPS: Room("ops", shared=False, public=True)}
    place.slack.groups |= {"CSEC00001": frozenset({KIM})}
    reads = place.directory.reads
    assert (await reads(ANA, OPS), await reads(KIM, OPS)) == (True, False)
    assert (await reads(ANA, "CSEC00001"), await reads(KIM, "CSEC00001")) == (False, True)
    assert [await reads(ANA, channel) for channel in ("", "D0DIRECT1")] == [False, False]
    assert place.slack.calls.count("CSEC00001") == 2, "its name and its members, once each"


async def test_while_slack_is_silent_nobody_is_known_to_read_a_channel(place: Place) -> None:
    place.slack.error = NoAnswer("it is down", in_doubt=False)
    assert await place.directory.reads(ANA, OPS) is None
