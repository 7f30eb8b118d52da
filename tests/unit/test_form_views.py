"""The forms for tasks as values: within Slack's limits, pinging nobody, read as it was filled in."""

import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.grammar import Submit
from bot.rehearsal.slack.views import check_view
from bot.views import gate
from bot.views.form import CHANNEL, PRIORITY, WORDS, filled_in, follow_up_form, task_form, typed
from bot.views.message import Message
from dispatch.routing import DEFAULT_TABLE
from tests import slackshapes
from tests.fakes.values import make_task

ODD = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        ["", " ", "\n" * 3_000, "🧨" * 3_000, "<!channel> @here <@USAM00001>", "&" * 3_000, "*_~`> " * 500]
    ),
)
PROJECTS = st.lists(st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True), max_size=120, unique=True)


@given(st.sampled_from(["", '["COPS00001", "1700000000.000100", null]']), PROJECTS, st.none() | ODD)
@example("", [f"project-{number:03}" for number in range(120)], "\n" * 3_000)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_every_form_is_within_slacks_limits_and_pings_nobody(
    metadata: str, projects: list[str], quoted: str | None
) -> None:
    view = json.loads(
        json.dumps(task_form(metadata, DEFAULT_TABLE, projects, channel="COPS00001", quoted=quoted))
    )
    check_view(view, "modal")
    slackshapes.check_view(view)
    gate.check(Message("", tuple(view["blocks"])))
    fields = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    assert WORDS in fields
    assert (CHANNEL in fields) == (quoted is None)


@given(st.integers(1, 10**18 - 1), st.integers(1, 10), st.none() | ODD)
@settings(max_examples=60)
def test_every_form_for_a_follow_up_knows_its_task_by_number_alone(
    number: int, priority: int, project: str | None
) -> None:
    parent = make_task(number, priority, project=project, words="the secret plan")
    view = json.loads(json.dumps(follow_up_form(parent, DEFAULT_TABLE)))
    check_view(view, "modal")
    slackshapes.check_view(view)
    gate.check(Message("", tuple(view["blocks"])))
    assert view["private_metadata"] == str(number)
    assert "the secret plan" not in str(view)
    inputs = [block["element"] for block in view["blocks"] if block["type"] == "input"]
    state = {one["action_id"]: {one["action_id"]: with_first(one)} for one in inputs}
    assert filled_in({"state": {"values": state}}) == {WORDS: "more", PRIORITY: f"p{priority}"}


def with_first(element: dict[str, object]) -> dict[str, object]:
    """What is sent where nothing was changed but the words."""
    first = element.get("initial_option")
    return {"selected_option": first} if first else {"value": "more"}


@given(st.text(max_size=200), st.sampled_from(["", "p1", "p10"]), st.sampled_from(["", "opus", "haiku"]))
def test_what_is_filled_in_is_a_task_of_these_words_or_says_beside_which_field_it_is_none(
    words: str, priority: str, model: str
) -> None:
    asked = typed({"words": words, "priority": priority, "model": model})
    if isinstance(asked, Submit):
        assert asked.words.split() == words.split()
        assert asked.priority == (int(priority[1:]) if priority else None)
        assert asked.model == (model or None)
    else:
        assert set(asked) == {WORDS}
        assert all(0 < len(said) <= 2_000 for said in asked.values())
