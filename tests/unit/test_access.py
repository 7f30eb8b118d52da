"""Who may do what, as values: every refusal has its reason, and what is not known takes no privilege."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import Act, Kind, Person, Reason, Refusal, Request, Role, Rules, may_run, operates, refusal

ANA, SAM, KIM = "UANA00001", "USAM00001", "UKIM00001"
GROUP, ROOM = "SENG00001", "COPS00001"
IDS = st.frozensets(st.sampled_from([ANA, SAM, KIM, GROUP, ROOM]), max_size=3)
RULES = st.builds(
    Rules,
    roles=st.dictionaries(st.sampled_from(Role), IDS),
    channels=st.frozensets(st.sampled_from(["COPS00001", "CPAY00001"])),
    scripts=st.dictionaries(st.just("status"), IDS | st.none()),
    guests=st.booleans(),
    shared_channels=st.booleans(),
)
REQUESTS = st.builds(
    Request,
    act=st.sampled_from(Act),
    owner=st.sampled_from([ANA, SAM, None]),
    task=st.just(42),
    channel=st.sampled_from(["", "D1", "COPS00001", "CPAY00001"]),
    shared=st.booleans() | st.none(),
    urgent=st.booleans(),
    opus=st.booleans(),
    script=st.none() | st.just("status"),
)
GROUPS = st.frozensets(st.sampled_from([GROUP, ROOM]))
PEOPLE = st.builds(
    lambda name, kind, within, unknown: Person(name, kind, within, unknown - within),
    st.sampled_from([ANA, SAM, KIM]),
    st.sampled_from(Kind) | st.none(),
    GROUPS,
    GROUPS,
)


def only(role: Role, *ids: str, **more: object) -> Rules:
    return Rules(roles={role: frozenset(ids)}, **more)  # type: ignore[arg-type]


def reason(person: Person, request: Request, rules: Rules) -> Reason | None:
    found = refusal(person, request, rules)
    return found.reason if found else None


@given(PEOPLE, REQUESTS)
def test_nothing_decided_leaves_everything_to_every_member(person: Person, request: Request) -> None:
    outside = person.kind in (Kind.GUEST, Kind.STRANGER, Kind.BOT)
    shared = request.shared and request.act is Act.RUN
    assert (refusal(person, request, Rules()) is None) == (not outside and not shared)


@given(PEOPLE, REQUESTS, RULES)
def test_who_is_shut_out_is_shut_out_of_everything(person: Person, request: Request, rules: Rules) -> None:
    outside = person.kind is Kind.BOT or (person.kind in (Kind.GUEST, Kind.STRANGER) and not rules.guests)
    told = reason(person, request, rules)
    assert (told in (Reason.BOT, Reason.NO_MEMBER)) == outside


@given(PEOPLE, REQUESTS, RULES)
def test_knowing_less_never_brings_a_privilege(person: Person, request: Request, rules: Rules) -> None:
    known = Person(person.id, person.kind, person.within)
    unknown = Person(person.id, person.kind, frozenset(), person.within | person.unknown)
    assert operates(known, rules) or not operates(unknown, rules)
    of_others = request.owner not in (None, person.id)
    if of_others or request.urgent or request.opus or request.act is Act.OPERATE:
        assert refusal(unknown, request, rules) or not refusal(known, request, rules)


@given(PEOPLE, REQUESTS, RULES)
def test_an_outage_locks_nobody_out_of_what_the_many_may(
    person: Person, request: Request, rules: Rules
) -> None:
    """Whoever may ask for an ordinary task may do so too while Slack does not say who is in which group."""
    plain = Request(Act.RUN, channel=request.channel, shared=request.shared)
    known = Person(person.id, person.kind, person.within)
    nothing_known = Person(person.id, None, frozenset(), rules.groups)
    assert refusal(known, plain, rules) is not None or refusal(nothing_known, plain, rules) is None


@given(PEOPLE, REQUESTS, RULES, st.booleans() | st.none())
def test_only_a_requester_or_who_is_known_to_read_it_goes_on_by_a_form(
    person: Person, request: Request, rules: Rules, reads: bool | None
) -> None:
    """Operators too; and whoever may is judged as for a task of their own."""
    form = replace(request, act=Act.RUN, task=None, parent=42, reads=reads)
    told = refusal(person, form, rules)
    if form.owner == person.id or reads:
        assert reason(person, replace(form, owner=None, parent=None), rules) == (told and told.reason)
    else:
        assert told is not None
        assert told.reason is not Reason.HIDDEN or told.unsure == (reads is None)


@given(PEOPLE, RULES)
def test_nobody_touches_a_task_of_others_but_operators(person: Person, rules: Rules) -> None:
    for act in (Act.RUN, Act.STOP):
        if refusal(person, Request(act, owner="UELSE0001", task=1), rules) is None:
            assert operates(person, rules)


@given(PEOPLE, REQUESTS, RULES)
def test_every_refusal_names_only_those_who_are_named(person: Person, request: Request, rules: Rules) -> None:
    found = refusal(person, request, rules)
    named = frozenset[str]().union(*rules.roles.values(), *(ids or () for ids in rules.scripts.values()))
    assert found is None or found.helpers <= named | rules.channels
    assert found is None or found.unsure <= bool(person.unknown)


@pytest.mark.parametrize(
    ("request_", "rules", "expected"),
    [
        (Request(Act.RUN), only(Role.REQUESTER, SAM), Reason.REQUESTERS),
        (Request(Act.RUN), only(Role.REQUESTER, ANA), None),
        (Request(Act.RUN, urgent=True), only(Role.URGENT, SAM), Reason.URGENT),
        (Request(Act.RUN), only(Role.URGENT, SAM), None),
        (Request(Act.RUN, opus=True), only(Role.OPUS, SAM), Reason.OPUS),
        (Request(Act.RUN, opus=True), only(Role.OPUS, GROUP), None),
        (Request(Act.OPERATE), only(Role.OPERATOR, SAM), Reason.OPERATORS),
        (Request(Act.OPERATE), only(Role.OPERATOR, GROUP), None),
        (Request(Act.STOP, owner=SAM, task=1), only(Role.OPERATOR, SAM), Reason.NOT_THEIRS),
        (Request(Act.STOP, owner=ANA, task=1), only(Role.OPERATOR, SAM), None),
        (Request(Act.STOP, owner=ANA, task=1), only(Role.REQUESTER, SAM), None),
        (Request(Act.RUN, owner=ANA, task=1), only(Role.REQUESTER, SAM), Reason.REQUESTERS),
        (Request(Act.RUN, channel="CPAY00001"), Rules(channels=frozenset({ROOM})), Reason.CHANNEL),
        (Request(Act.RUN, channel=ROOM), Rules(channels=frozenset({ROOM})), None),
        (Request(Act.RUN, channel="D1"), Rules(channels=frozenset({ROOM})), None),
        (Request(Act.RUN, channel=ROOM, shared=True), Rules(), Reason.SHARED_CHANNEL),
        (Request(Act.RUN, channel=ROOM, shared=True), Rules(shared_channels=True), None),
        (Request(Act.STOP, channel=ROOM, shared=True), Rules(), None),
        (Request(Act.RUN, script="status"), Rules(scripts={"status": frozenset({SAM})}), Reason.SCRIPT),
        (Request(Act.RUN, script="status"), Rules(scripts={"status": frozenset()}), Reason.SCRIPT),
        (Request(Act.RUN, script="status"), Rules(scripts={"status": frozenset({GROUP})}), None),
    ],
)
def test_a_member_of_the_group(request_: Request, rules: Rules, expected: Reason | None) -> None:
    assert reason(Person(ANA, Kind.MEMBER, frozenset({GROUP})), request_, rules) is expected


def test_operators_who_are_named_may_ask_for_everything() -> None:
    roles = {Role.OPERATOR: frozenset({SAM}), Role.REQUESTER: frozenset({ANA}), Role.OPUS: frozenset({ANA})}
    assert refusal(Person(SAM), Request(Act.RUN, opus=True), Rules(roles=roles)) is None
    everybody = {**roles, Role.OPERATOR: frozenset[str]()}
    assert reason(Person(SAM), Request(Act.RUN), Rules(roles=everybody)) is Reason.REQUESTERS


def test_what_slack_did_not_say_is_said_to_be_unsure() -> None:
    asked, rules = Request(Act.RUN, opus=True), only(Role.OPUS, GROUP)
    assert refusal(Person(ANA, unknown=frozenset({GROUP})), asked, rules) == Refusal(
        Reason.OPUS, asked, frozenset({GROUP}), unsure=True
    )
    assert not may_run(Person(ANA, unknown=frozenset({GROUP})), "x", Rules(scripts={"x": frozenset({GROUP})}))
