"""What a script is to the queue and to people: no model, no money, no gate, and strangers' words as data."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import Person, may_run
from bot.config import ConfigError, load
from bot.grammar import Run, Submit, parse
from bot.manual import COMMAND_LINE, HELP
from bot.markdown import render
from bot.printing import PRINTERS
from bot.records import full_record
from bot.roles import AccessSettings, rules
from bot.scripts import Scripts
from bot.sections import ScriptSettings
from bot.views import scripts as views
from bot.views import texts
from bot.views.answer import footer, reply
from bot.views.bulletin import bulletin
from bot.views.card import card
from bot.views.gate import check
from bot.views.message import Message
from bot.views.offers import on_answer, on_card
from dispatch import gates, policy
from dispatch.budget import Budgets, Standing, admit
from dispatch.digest import Facts, Money, TierLine, summarise
from dispatch.faults import Fault, FaultKind
from dispatch.gates import ACCOUNT, RUNTIME, Gate, GateState
from dispatch.routing import DEFAULT_TABLE
from dispatch.runners.output import FIRST_BYTES, LAST_BYTES, Output
from dispatch.scripts import Script, environment
from dispatch.states import State
from dispatch.task import Attempt, Outcome, Tier, Verdict
from dispatch.terms import Terms
from dispatch.usage import Unpriced
from tests.fakes.scripts import STATUS, make_script_task
from tests.fakes.values import NOON

FAULTS = st.builds(Fault, st.sampled_from(FaultKind), st.just("said so"))
RUNNABLE = '[scripts.status]\nrun = "git -C \'/srv/the repo\' status"\nwho = ["USAM00001"]\n'


def attempt(verdict: Verdict = Verdict.ANSWERED, text: str = "", fault: Fault | None = None) -> Attempt:
    ended = NOON + timedelta(seconds=3)
    return Attempt(42, 1, "", NOON, ended, verdict, fault, None, text, "", 0, 0, 0, 0)


def written(folder: Path, text: str) -> dict[str, str]:
    path = folder / "onequeue.toml"
    path.write_text(text, encoding="utf-8")
    return {"ONEQUEUE_CONFIG": str(path)}


@given(FAULTS, st.floats(0, 1))
def test_a_script_that_began_is_never_tried_again_by_itself_and_touches_no_gate(
    fault: Fault, chance: float
) -> None:
    task = make_script_task(state=State.RUNNING)
    outcome = Outcome(Verdict.FAILED, "so far", fault=fault)
    shut = {name: Gate(name, GateState.PROBING, probe=task.id) for name in (ACCOUNT, RUNTIME, "opus")}
    assert gates.after(shut, task, outcome, NOON, chance) == gates.Verdicts()
    settled = policy.after(task, outcome, False, NOON, chance)
    assert settled.state is (State.HELD if fault.kind is FaultKind.RUNTIME else State.FAILED)


def test_a_lost_script_runs_again_only_where_it_may() -> None:
    for died in (True, False):
        assert policy.lost(make_script_task(), died=died) is State.FAILED
        assert policy.lost(make_script_task(replace(STATUS, again=True)), died=died) is State.QUEUED


@given(st.integers(0, 10**9), st.integers(1, 10))
def test_a_script_needs_no_room_in_any_budget(spent: int, priority: int) -> None:
    budgets = Budgets(everybody=1, channel=1, person=1)
    scopes = dict.fromkeys(("all", "channel:COPS00001", "person:UANA00001"), spent)
    assert admit(make_script_task(priority=priority), budgets, Standing(scopes, scopes, NOON)) == 0


def test_scripts_have_seats_and_a_time_of_their_own(tmp_path: Path) -> None:
    text = f"{RUNNABLE}seconds = 5\nagain = true\n[limits]\nscript_seats = 7\n"
    terms = load(written(tmp_path, text)).terms
    assert terms.scripts == {
        "status": Script("status", ("git", "-C", "/srv/the repo", "status"), timedelta(seconds=5), True)
    }
    assert terms.seating(Tier.SCRIPT).seats == 7
    assert (Terms(DEFAULT_TABLE, terms.zone).seating(Tier.SCRIPT).seats) == 2
    assert terms.wall_clock(make_script_task()) == timedelta(seconds=5)
    assert Tier.SCRIPT not in terms.table


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[scripts.status]\n", "scripts.status.run"),
        ('[scripts.status]\nrun = ""\n', "name a command"),
        ('[scripts.status]\nrun = "./status.sh"\n', "whole path"),
        ('[scripts.status]\nrun = "~/status.sh"\n', "whole path"),
        ('[scripts.status]\nrun = "echo \'open"\n', "No closing quotation"),
        ('[scripts.status]\nrun = ["a\\u0000b"]\n', "zero byte"),
        ('[scripts.status]\nrun = "true"\nwho = "all"\n', "scripts.status.who"),
        ('[scripts.status]\nrun = "true"\nseconds = 0\n', "scripts.status.seconds"),
        ('[scripts."../x"]\nrun = "true"\n', "scripts"),
        ("[tiers.script]\nseats = 2\n", "[scripts.<name>]"),
        ("[budgets]\ntiers = { script = 3 }\n", "[scripts.<name>]"),
    ],
)
def test_scripts_that_could_not_run_are_refused_in_the_settings(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    assert told in str(caught.value)


@given(st.text(), st.text())
def test_strangers_words_are_only_data_in_the_environment(requester: str, words: str) -> None:
    found = environment("/bin", "/home/bot", 42, requester, words)
    assert list(found) == ["PATH", "HOME", "LANG", "TASK", "REQUESTER", "WORDS"]
    assert [found[name] for name in ("PATH", "HOME", "LANG", "TASK")] == [
        "/bin",
        "/home/bot",
        "C.UTF-8",
        "42",
    ]
    assert found["WORDS"].replace("?", "") == words.replace("\0", "").replace("?", "")
    assert "\0" not in "".join(found.values())


@given(st.binary(max_size=50), st.lists(st.binary(max_size=9_000), max_size=8))
def test_output_keeps_its_beginning_and_end_and_counts_the_rest(start: bytes, pieces: list[bytes]) -> None:
    output = Output()
    for piece in (start, *pieces):
        output.add(piece)
    whole = b"".join((start, *pieces))
    if len(whole) <= FIRST_BYTES + LAST_BYTES:
        assert output.text == whole.decode("utf-8", "replace")
    else:
        assert "bytes left out" in output.text
        assert len(output.text) < FIRST_BYTES + LAST_BYTES + 100


def test_long_output_is_cut_between_lines() -> None:
    output = Output()
    for number in range(10_000):
        output.add(b"line %04d\n" % number)
    lines = output.text.splitlines()
    (between,) = [line for line in lines if "left out" in line]
    assert (lines[0], lines[-1]) == ("line 0000", "line 9999")
    kept = len(lines) - 1
    assert between == f"… {(10_000 - kept) * 10:,} bytes left out …"
    assert all(len(line) == 9 for line in lines if line != between)


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("run status", Run("status")),
        ("/task Run Status  last  week ", Run("status", "last  week")),
        ("run", Run()),
        ("run the tests", Run("the", "tests")),
        ("run https://example.com", Submit("run https://example.com")),
        ("run: status", Submit("run: status")),
        ("p3 run status", Submit("run status", 3)),
        ("-- run status", Submit("run status")),
        ("runs are slow", Submit("runs are slow")),
    ],
)
def test_what_may_be_a_script_is_read_as_one(text: str, run: Run | Submit) -> None:
    assert parse(text) == run
    if isinstance(run, Run):
        assert parse(text) == replace(run, typed="anything")


def scripts(**who: object) -> Mapping[str, ScriptSettings]:
    return {
        name: ScriptSettings.model_validate({"run": "true", "who": value, "about": f"says {name}"})
        for name, value in who.items()
    }


def test_who_may_run_what() -> None:
    known = scripts(mine=["USAM00001"], ours="everybody", theirs="operators", nobodys=[])
    who = {name: script.who for name, script in known.items()}
    judged = rules(AccessSettings(), frozenset({"UOPS00001"}), who)
    runs = {
        person: [name for name in known if may_run(Person(person), name, judged)]
        for person in ("USAM00001", "UOPS00001", "UANA00001")
    }
    assert runs == {"USAM00001": ["mine", "ours"], "UOPS00001": ["ours", "theirs"], "UANA00001": ["ours"]}


def test_what_is_no_script_gets_the_list_and_the_other_reading() -> None:
    team = Scripts(scripts(ours="everybody", theirs="operators"))
    assert team.unknown(Run("the", "tests", "run The tests"), ["ours"]) == (
        "Not queued: there is no script `the`. Try `/task p5 run The tests` to make these words a task.\n"
        "*Scripts,* at no cost, as no model runs:\n`/task run ours` says ours"
    )
    typed = team.unknown(Run("the", "tests", "run The tests"), ["ours"], COMMAND_LINE)
    assert "`onequeue add p5 run The tests`" in typed
    assert "`onequeue add run ours`" in typed


def test_the_help_names_the_scripts_one_may_run_and_still_fits() -> None:
    listed = [views.Listed(f"script-{number}", "about " * 50) for number in range(30)]
    told = views.with_scripts(HELP, listed)
    assert "`/task run script-0` about" in told
    assert len(told) <= 3_900
    assert views.with_scripts(HELP, []) == HELP


def test_a_card_and_an_answer_say_that_no_model_ran() -> None:
    task = make_script_task(state=State.RUNNING, words="last week")
    shown = card(task, [], NOON)
    assert shown.text == "#1 · p5 · Script · running: run status last week"
    assert "no model" in str(shown.blocks)
    done = replace(task, state=State.DONE)
    assert footer(done, attempt()) == "script status · no model · 3 s · $0.00 · #1"
    (only,) = reply(done, attempt(text="all well\n")).messages
    assert only.blocks[0]["text"] == "```\nall well\n```"
    assert reply(done, attempt()).messages[0].blocks[0]["text"] == "It ended well and said nothing."
    assert on_card(done, DEFAULT_TABLE) == on_answer(done, attempt(), DEFAULT_TABLE) == ()
    assert "script status · no model · asked" in texts.shown(done, [attempt()])
    record = full_record(done, [attempt(text="all well")], [])
    assert "script status, no model, no cost" in PRINTERS["show"](record, ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        (
            Fault(FaultKind.SCRIPT, "it ended with exit status 3"),
            ["It ended with exit status 3; $0.00 spent"],
        ),
        (Fault(FaultKind.TIMEOUT), ["Stopped after 3 s, the limit of script status"]),
        (Fault(FaultKind.LOST, "the bot was restarted"), ["I restarted", "does not run again by itself"]),
    ],
)
def test_a_failed_script_says_why_and_shows_what_it_said(fault: Fault, parts: list[str]) -> None:
    task = make_script_task(state=State.FAILED)
    told = reply(task, attempt(Verdict.FAILED, "half of it", fault)).messages
    assert [part for part in [*parts, "`/task retry 1`"] if part not in told[0].text] == []
    assert told[1].blocks[-1]["text"] == "```\nhalf of it\n```"


@given(
    st.lists(
        st.sampled_from(
            ["```", "~~~", "> ```", "- ````", "\x1b[31m", "<!channel>", "<@U1>", "@here", "\n", "words", " "]
        )
    ).map("".join)
    | st.text()
)
def test_nothing_a_command_says_ends_its_block_or_pings(text: str) -> None:
    for part in render(views.said(text)).parts:
        lines = part.split("\n")
        marks = [line for line in lines if line.lstrip(" >-").startswith(("```", "~~~"))]
        assert marks == ["```", "```"], "one block a message, and nothing else opens or ends it"
        assert "\x1b" not in part
        check(Message(part))


def test_a_digest_counts_scripts_at_no_cost() -> None:
    today = NOON.date()
    ended = [make_script_task(state=State.DONE), make_script_task(state=State.FAILED)]
    facts = Facts([], {}, [], ended, [], 0, [])
    digest = summarise((today, today), facts, DEFAULT_TABLE, lambda *_: Unpriced("none"))
    assert digest.tiers == (TierLine(Tier.SCRIPT, 2, Money()),)
    shown = str(bulletin(digest, {}, so_far=False).blocks)
    assert "| Script | 2 | 100 % | $0.00 | - |" in shown
    assert "Dearest" not in shown
