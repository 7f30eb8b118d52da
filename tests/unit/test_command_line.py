"""What the command line makes of its words before a verb is asked."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.__main__ import Root
from bot.arguments import read
from bot.bill import bill_record
from bot.cli import main
from bot.config import ConfigError, Settings
from bot.console import Ask
from bot.doctor.finding import Finding
from bot.grammar import Submit, UsageError, parse
from bot.manual import COMMAND_LINE
from bot.records import Record, task_record
from bot.slacktext import plain
from dispatch.errors import Unreachable
from tests.fakes.values import make_task


class Composition:
    """Hears what is asked of it, and answers all but `silent` verbs, with a task if nothing else is said."""

    def __init__(self, answer: Record | None = None, silent: Collection[str] = ()) -> None:
        self.silent = silent
        self.answer = answer or task_record(make_task(42, 3, project="payments"))
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.worked = False

    async def run(self, settings: Settings) -> None:
        raise AssertionError

    async def work(self, settings: Settings) -> None:
        self.worked = True

    async def rehearse(self, settings: Settings, port: int, browser: bool) -> None:
        raise AssertionError

    async def examine(self, settings: Settings) -> Sequence[Finding]:
        raise AssertionError

    @asynccontextmanager
    async def console(self, settings: Settings) -> AsyncIterator[tuple[Ask, bool]]:
        async def ask(verb: str, words: Mapping[str, str]) -> Record:
            self.asked.append((verb, words))
            if verb in self.silent:
                raise Unreachable("nobody answers")
            return self.answer

        yield ask, True


def test_a_project_may_be_named_as_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    composition = Composition()
    assert main(["add", "--json", "--repo", "payments", "p3", "raise", "it"], composition) == 0
    assert json.loads(capsys.readouterr().out)["project"] == "payments"
    assert main(["add", "repo=payments", "p3", "raise it"], composition) == 0
    assert composition.asked == [("add", {"text": "repo=payments p3 raise it", "key": ""})] * 2


def test_whoever_waits_is_told_the_number_when_nobody_answers_any_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    composition = Composition(silent={"wait"})
    assert main(["add", "--wait", "x"], composition) == 1
    said = capsys.readouterr().err
    assert (
        said == "onequeue: #42 is stored, but nobody answers. `onequeue show 42` tells what becomes of it\n"
    )


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("-- x=1 is wrong", "-- x=1 is wrong"),
        ("p3 -- x=1 is wrong", "p3 -- x=1 is wrong"),
        ("'-- x=1 is wrong'", "-- x=1 is wrong"),
        ("-- run nightly the report", "-- run nightly the report"),
        ("-- try --json and --wait -- twice", "-- try --json and --wait -- twice"),
        ("--repo payments -- list", "repo=payments -- list"),
    ],
)
def test_two_dashes_end_the_options_as_they_do_in_slack(typed: str, text: str) -> None:
    composition = Composition()
    assert main(["add", *shlex.split(typed)], composition) == 0
    assert composition.asked == [("add", {"text": text, "key": ""})]


@pytest.mark.parametrize(
    ("typed", "copied"),
    [
        ("x=1 is wrong", "onequeue add '-- x=1 is wrong'"),
        ("p3 x=1 is wrong", "onequeue add 'p3 -- x=1 is wrong'"),
        ("p11 max=$2 tidy", "onequeue add 'p10 max=$2 tidy'"),
        ("p11 it's late", """onequeue add 'p10 it'"'"'s late'"""),
        ("p11 tidy the wiki", "onequeue add p10 tidy the wiki"),
        ("cancel 7 --wait", "onequeue add 'p5 cancel 7 --wait'"),
        ("repo= --key=5 is wrong", "onequeue add '-- --key=5 is wrong'"),
        ("p11 " + "it's late " * 100, None),
    ],
)
def test_what_is_shown_to_copy_is_read_when_it_is_pasted(typed: str, copied: str | None) -> None:
    refused = parse(typed, COMMAND_LINE)
    assert isinstance(refused, UsageError)
    (shown,) = re.findall("`(onequeue add [^`]*)`", plain(refused.text))
    assert copied in (None, shown)
    assert len(shown) <= 300
    given = read(shlex.split(shown)[1:])
    assert not given.wait
    assert isinstance(parse(" ".join(given.text)), Submit)


def test_a_worker_is_told_apart_from_the_bot(capsys: pytest.CaptureFixture[str]) -> None:
    composition = Composition()
    assert main(["worker"], composition) == 0
    assert composition.worked
    for arguments, status in ((["worker", "--help"], "0"), (["worker", "--json"], "2")):
        with pytest.raises(SystemExit, match=status):
            main(arguments, composition)
    assert "`onequeue run`" in " ".join(capsys.readouterr().out.split())


async def test_a_worker_needs_the_key_of_claude_alone(tmp_path: Path) -> None:
    settings = Settings(database=tmp_path / "onequeue.db")
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY") as caught:
        await Root().work(settings)
    assert "SLACK" not in str(caught.value)
    assert not settings.database.exists()


@pytest.mark.parametrize("name", ["", "pay ments", " payments"])
def test_what_is_no_single_word_is_no_project(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    composition = Composition()
    with pytest.raises(SystemExit, match="2"):
        main(["add", "--repo", name, "x"], composition)
    assert "is no project: give its name, such as payments" in capsys.readouterr().err
    assert composition.asked == []


def test_days_are_named_only_for_a_bill(capsys: pytest.CaptureFixture[str]) -> None:
    composition = Composition()
    assert main(["cost", "--from", "2026-11-01"], composition) == 2
    assert "give it too" in capsys.readouterr().err
    assert composition.asked == []


@pytest.mark.parametrize("typed", ["cost --csv --json", "show 42 --history --transcript"])
def test_two_ways_to_print_are_one_too_many(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    composition = Composition()
    assert main(typed.split(), composition) == 2
    assert capsys.readouterr().err.rstrip().endswith("; give one of them")
    assert composition.asked == []


@pytest.mark.parametrize("period", ["nonsense", "", "yesterday", "TODAY"])
def test_a_period_that_there_is_not_is_told_which_there_are(
    period: str, capsys: pytest.CaptureFixture[str]
) -> None:
    composition = Composition()
    with pytest.raises(SystemExit, match="2"):
        main(["cost", period], composition)
    told = capsys.readouterr().err
    said = told.splitlines()[-1]
    assert f"invalid choice: {period!r}" in said
    assert all(name in said for name in ("today", "week", "month"))
    assert "Period" not in told
    assert composition.asked == []


def test_a_digest_is_of_yesterday_where_no_day_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    composition = Composition()
    assert main(["digest", "--json"], composition) == 0
    assert main(["digest", "--json", "--date", "2026-11-01"], composition) == 0
    assert [words["date"] for _, words in composition.asked] == ["", "2026-11-01"]


def test_a_bill_is_of_the_period_where_no_days_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    composition = Composition(bill_record([], 0))
    assert main(["cost", "month", "--csv"], composition) == 0
    assert main(["cost", "--csv", "--from", "2026-11-01", "--to", "2026-11-30"], composition) == 0
    assert capsys.readouterr().out.count("task,requester,channel") == 2
    first = {"after": "0", "newest": ""}
    assert composition.asked == [
        ("bill", {"period": "month", "from": "", "to": "", **first}),
        ("bill", {"period": "today", "from": "2026-11-01", "to": "2026-11-30", **first}),
    ]


def test_a_command_that_runs_no_session_loads_no_library_for_them(tmp_path: Path) -> None:
    code = """
import sys
from bot.__main__ import Root
from bot.cli import main
assert main(["list"], Root()) == 0
print("anthropic" in sys.modules)
"""
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ONEQUEUE_DATABASE": str(tmp_path / "onequeue.db")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines()[-1] == "False"
