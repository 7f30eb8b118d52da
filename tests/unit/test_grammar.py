import re
from datetime import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.grammar import (
    WORDS_LIMIT,
    Cancel,
    Command,
    Cost,
    Help,
    ListTasks,
    Period,
    Resume,
    Retry,
    Run,
    Show,
    Steer,
    Submit,
    Turn,
    UsageError,
    form,
    parse,
)
from bot.manual import HELP
from bot.options import CAP_LIMIT_MICRO_USD
from bot.slacktext import plain

FRAGMENTS = (
    *(
        "p1",
        "P3",
        "p3:",
        "p0",
        "p11",
        "p99",
        "p-1",
        "p3:x",
        "p3,",
        "42!",
        "status",
        "p",
        "model=",
        "model=opus",
        "Model=GPT",
        "max=$2",
    ),
    *(
        "model=claude-opus-5-5",
        "max=",
        "max=0",
        "max=nan",
        "max=-1",
        "MAX=2.50",
        "foo=bar",
        "by=",
        "by=18:00",
        "BY=24:00",
        "by=9",
        "pause",
        "resume",
        "run",
        "status",
        "x=1",
        "a==b",
        "repo=",
        "repo=payments",
        "REPO=acme/wiki.git",
        "repo=../`x`",
    ),
    *("--", "—", "-", "help", "list", "show", "cancel", "retry", "cost", "42", "#42", "0", "today", "week"),
    *(
        "/task",
        "investigate",
        "the stall",
        "\n",
        "  ",
        "`x`",
        "<!channel>",
        "@here",
        "&",
        "é",
        "٣",
        "p٣",
        "?",
    ),
)
typed = st.lists(st.sampled_from(FRAGMENTS)).map(" ".join) | st.text()
words = (
    (typed | st.sampled_from(["list", "help me", "p3", "-- x", "x=1 is wrong", "/task p3 x", "cost today"]))
    .map(str.strip)
    .filter(bool)
)
models = st.sampled_from(["opus", "sonnet", "haiku"]) | st.from_regex(
    r"[a-z0-9][a-z0-9._:/-]{0,20}[0-9-][a-z0-9._:/-]{0,20}", fullmatch=True
)
task_ids = st.integers(1, 10**18 - 1)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        Submit,
        words,
        st.none() | st.integers(1, 10),
        st.none() | models,
        st.none() | st.integers(1, CAP_LIMIT_MICRO_USD),
        st.none() | st.builds(time, st.integers(0, 23), st.integers(0, 59)),
        st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    ),
    st.just(Help()),
    st.just(ListTasks()),
    st.builds(Show, task_ids),
    st.builds(Cancel, task_ids),
    st.builds(Retry, task_ids),
    st.builds(Cost, st.sampled_from(Period)),
    st.just(Resume()),
    st.builds(Steer, st.sampled_from(Turn), task_ids),
    st.just(Run()),
    st.builds(Run, st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True), words | st.just("")),
)


@given(commands)
@example(Submit("list"))
@example(Submit("help me write"))
@example(Submit("/task p3 x"))
@example(Submit("p3"))
@example(Submit("--"))
@example(Submit("by=18:00 x"))
@example(Submit("resume", by=time(0, 0)))
@example(Submit("list", project="payments"))
@example(Submit("repo=payments x"))
def test_the_form_of_a_command_is_read_as_that_command(command: Command) -> None:
    assert parse(form(command)) == command


@given(typed)
def test_reading_never_raises_and_its_form_is_stable(text: str) -> None:
    command = parse(text)
    if not isinstance(command, UsageError):
        assert parse(form(command)) == command


@given(typed)
@example("p11 max=0 model=x foo=bar")
@example("p3 p4 max=2 max=3")
@example("by=25:99 by=18:00 resume")
@example("repo=../x repo=<!channel> list")
@example("repo=" + "x" * 50_000)
@example("x=`1` <@U1> & more")
@example("foo=" + "x" * 50_000)
def test_every_form_in_a_refusal_can_be_copied(text: str) -> None:
    command = parse(text)
    if isinstance(command, UsageError):
        shown = re.findall(r"`/task ([^`]*)`", command.text)
        assert shown
        for copied in shown:
            assert not isinstance(parse(plain(copied)), UsageError)
        assert len(command.text) < 1_500
        assert not re.search(r"<|@here(?![a-z0-9])", command.text)


@given(typed)
def test_outer_space_and_the_command_itself_change_nothing(text: str) -> None:
    assert parse(f" \n{text}\t ") == parse(text)
    if not text.strip().lower().startswith("/task"):
        assert parse(f"/task {text}") == parse(text)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("p3 investigate stall", Submit("investigate stall", 3)),
        ("P3 investigate stall", Submit("investigate stall", 3)),
        ("p3: investigate stall", Submit("investigate stall", 3)),
        ("p9, tidy the wiki", Submit("tidy the wiki", 9)),
        ("p3,5 is no priority", Submit("p3,5 is no priority")),
        ("stop 42!", Cancel(42)),
        ("status", ListTasks()),
        ("Status?", ListTasks()),
        ("-- status", Submit("status")),
        ("p5 status", Submit("status", 5)),
        ("status of the refunds", Submit("status of the refunds")),
        ("cancel #42!!", Cancel(42)),
        ("show 42.", Show(42)),
        ("release 2.0 to all", Submit("release 2.0 to all")),
        ("p1:prod is down", Submit("prod is down", 1)),
        ("p03 x", Submit("x", 3)),
        ("p10 x", Submit("x", 10)),
        ("investigate p3 stall max=$2", Submit("investigate p3 stall max=$2")),
        ("max=$2 model=opus p4 x", Submit("x", 4, "opus", 2_000_000)),
        ("p4 max=2 model=Opus x", Submit("x", 4, "opus", 2_000_000)),
        ("Model=claude-opus-5-5 x", Submit("x", model="claude-opus-5-5")),
        ("max=$0.50 x", Submit("x", cap_micro_usd=500_000)),
        ("max=2.00 x", Submit("x", cap_micro_usd=2_000_000)),
        ("max=0.000001 x", Submit("x", cap_micro_usd=1)),
        ("max=$1000 x", Submit("x", cap_micro_usd=1_000_000_000)),
        ("p3 by=18:00 x", Submit("x", 3, by=time(18, 0))),
        ("BY=00:00 model=opus x", Submit("x", model="opus", by=time(0, 0))),
        ("x by=18:00", Submit("x by=18:00")),
        ("repo=payments raise the limit", Submit("raise the limit", project="payments")),
        ("REPO=My.app_2-x p3 x", Submit("x", 3, project="My.app_2-x")),
        ("by=18:00 repo=payments x", Submit("x", by=time(18, 0), project="payments")),
        ("x repo=payments", Submit("x repo=payments")),
        ("repo==payments x", Submit("repo==payments x")),
        ("-- repo=payments x", Submit("repo=payments x")),
        ("repo=payments list", Submit("list", project="payments")),
        ("by==18:00 x", Submit("by==18:00 x")),
        ("-- by=18:00 x", Submit("by=18:00 x")),
        ("p3   two  spaces\n\n  and lines ", Submit("two  spaces\n\n  and lines", 3)),
        ("p3 list", Submit("list", 3)),
        ("p5 list the open ports", Submit("list the open ports", 5)),
        ("-- list the open ports", Submit("list the open ports")),
        ("— list", Submit("list")),
        ("-- p3 -- x", Submit("p3 -- x")),
        ("p3 -- x=1 is wrong, fix it", Submit("x=1 is wrong, fix it", 3)),
        ("--flag is ignored", Submit("--flag is ignored")),
        ("PATH=/bin is unset", Submit("PATH=/bin is unset")),
        ("a==b fails", Submit("a==b fails")),
        ("https://a.com/?b=c is down", Submit("https://a.com/?b=c is down")),
        ("p3x is a word, p4:80 too", Submit("p3x is a word, p4:80 too")),
        ("p4:80 is a port", Submit("p4:80 is a port")),
        ("listen to this", Submit("listen to this")),
        ("x" * WORDS_LIMIT, Submit("x" * WORDS_LIMIT)),
        ("", Help()),
        (" \n", Help()),
        ("HELP", Help()),
        ("List", ListTasks()),
        ("show 42", Show(42)),
        ("show  #42", Show(42)),
        ("Cancel #42", Cancel(42)),
        ("retry 42", Retry(42)),
        ("stop 42", Cancel(42)),
        ("bump #42", Steer(Turn.BUMP, 42)),
        ("LOWER 42", Steer(Turn.LOWER, 42)),
        ("hold 42", Steer(Turn.HOLD, 42)),
        ("release 42", Steer(Turn.RELEASE, 42)),
        ("release the new version", Submit("release the new version")),
        ("stop logging passwords", Submit("stop logging passwords")),
        ("cost", Cost(Period.TODAY)),
        ("cost Week", Cost(Period.WEEK)),
        ("cost month", Cost(Period.MONTH)),
        ("Resume", Resume()),
        ("p3 resume the import", Submit("resume the import", 3)),
        ("/task p3 x", Submit("x", 3)),
        ("/task", Help()),
        ("/tasks are many", Submit("/tasks are many")),
    ],
)
def test_reads(text: str, command: Command) -> None:
    assert parse(text) == command


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "p11 tidy the wiki",
            ["Not queued: p11 is not a priority. Priorities run from p1 (most urgent) to p10."],
        ),
        ("p11 tidy the wiki", [" to p10. Try `/task p10 tidy the wiki`."]),
        ("p0 x", ["p0 is not", "`/task p1 x`"]),
        ("p99: x", ["p99 is not", "`/task p10 x`"]),
        ("p-1 x", ["p-1 is not", "`/task p1 x`"]),
        ("p3 p5 x", ["p3 and p5", "`/task p3 x`"]),
        ("model=opus model=haiku x", ["`model=` stands there twice", "`/task model=opus x`"]),
        ("max=2 p3 max=3 x", ["`max=` stands there twice", "`/task p3 max=$2 x`"]),
        ("model=gpt x", ["`model=gpt` is not", "opus, sonnet, haiku", "`/task model=sonnet x`"]),
        ("model= x", ["`model=` is not"]),
        ("model=-5 x", ["`model=-5` is not"]),
        ("max=$0 x", ["`max=$0` is not", "$1000", "`/task max=$2 x`"]),
        ("max=-1 x", ["`max=-1` is not"]),
        ("max=nan x", ["`max=nan` is not"]),
        ("max=inf x", ["`max=inf` is not"]),
        ("max=1e3 x", ["`max=1e3` is not"]),
        ("max=2,50 x", ["`max=2,50` is not"]),
        ("max=0.0000001 x", ["at most 6 decimals"]),
        ("max=1000.000001 x", ["up to $1000", "`/task max=$1000 x`"]),
        ("max=٣ x", ["is not an amount"]),
        ("by=6pm x", ["`by=6pm` is not a time of day", "00:00 to 23:59", "`/task by=18:00 x`"]),
        ("by=9 x", ["`by=9` is not", "`/task by=09:00 x`"]),
        ("by=8:30 x", ["`by=8:30` is not", "`/task by=08:30 x`"]),
        ("by=24:00 x", ["`by=24:00` is not", "`/task by=18:00 x`"]),
        ("by=18:60 x", ["`by=18:60` is not"]),
        ("by=18:00:00 x", ["is not a time"]),
        ("by=١٨:٠٠ x", ["is not a time"]),
        ("by= x", ["`by=` is not", "`/task by=18:00 x`"]),
        ("by=12:00 p3 by=18:00 x", ["`by=` stands there twice", "`/task p3 by=12:00 x`"]),
        ("by=18:00", ["no words", "`/task by=18:00 tidy the wiki`"]),
        ("repo=a p3 repo=b x", ["`repo=` stands there twice", "`/task p3 repo=a x`"]),
        ("repo= x", ["`repo=` is not the name of a project", "`repo=payments`", "`/task x`"]),
        ("repo=acme/wiki.git x", ["`repo=acme/wiki.git` is not", "`/task repo=wiki x`"]),
        ("repo=../../etc/ x", ["`repo=../../etc/` is not", "`/task repo=etc x`"]),
        ("repo=payments", ["no words", "`/task repo=payments tidy the wiki`"]),
        ("pause 42", ["`pause` takes nothing behind it", "`/task pause`", "`/task p5 pause 42`"]),
        ("resume 42", ["`resume` takes nothing behind it", "`/task resume`", "`/task p5 resume 42`"]),
        ("resume!", ["`/task resume`"]),
        (
            "foo=bar x",
            ["`model=`, `max=`, `by=` and `repo=` are", "`foo=` is not an option", "`/task -- foo=bar x`"],
        ),
        ("p3 x=1 is wrong, fix it", ["`/task p3 -- x=1 is wrong, fix it`"]),
        ("p3", ["no words behind `p3`", "`/task p3 tidy the wiki`"]),
        ("--", ["no words"]),
        ("model=opus max=2", ["no words", "`/task model=opus max=$2 tidy the wiki`"]),
        ("p3 " + "x" * 12_001, ["12,001 characters, 12,000 is the most", "`/task p3 "]),
        ("list the open ports", ["Nothing done", "`/task list`", "`/task p5 list the open ports`"]),
        ("help me write x", ["`/task help`", "`/task p5 help me write x`"]),
        ("help?", ["`/task help`"]),
        ("show", ["takes the number of one task", "`/task show 42`"]),
        ("show me", ["`/task show 42`", "`/task p5 show me`"]),
        ("cancel 7 please", ["`/task cancel 7`", "`/task p5 cancel 7 please`"]),
        ("cancel 7 8", ["`/task cancel 7`"]),
        ("retry 0", ["`/task retry 42`"]),
        ("cancel, 7", ["`/task cancel 7`"]),
        ("cancel -7", ["`/task cancel 42`"]),
        ("cost yesterday", ["`today`, `week` or `month`", "`/task cost today`", "`/task p5 cost yesterday`"]),
    ],
)
def test_refuses_with_the_right_form(text: str, parts: list[str]) -> None:
    refused = parse(text)
    assert isinstance(refused, UsageError)
    assert [part for part in parts if part not in refused.text] == []


def test_a_refusal_quotes_strangers_safely() -> None:
    refused = parse("p0 <!channel> `code` <@U1>\n& more " + "long " * 100)
    assert isinstance(refused, UsageError)
    assert "`/task p1 &lt;\u200b!channel&gt; ˋcodeˋ &lt;\u200b@U1&gt; &amp; more long" in refused.text
    assert refused.text.endswith("…`.")


def test_every_form_in_the_help_is_read() -> None:
    forms = re.findall(r"`/task ([^`]*)`", HELP)
    assert len(forms) >= 8
    assert not [text for text in forms if isinstance(parse(text), UsageError)]
