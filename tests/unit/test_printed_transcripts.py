"""A transcript as JSON and for a terminal."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import cli
from bot.__main__ import Root
from bot.records import Record
from bot.transcripts import PAGE, printed, transcript_record, whole
from bot.views.texts import shown
from dispatch.faults import Fault, FaultKind
from dispatch.states import State
from dispatch.task import Attempt, Task, Verdict
from dispatch.transcript import MODEL, RECORDER, RUNTIME, Entry, Kind
from tests.fakes.values import NOON, make_task

BERLIN = ZoneInfo("Europe/Berlin")
READ = "onequeue show 42 --transcript"


@pytest.fixture
def task() -> Task:
    return make_task(42, 3, state=State.DONE, attempt=2, finished_at=NOON)


@pytest.fixture
def attempt() -> Attempt:
    return Attempt(
        task_id=42,
        number=2,
        model="claude-opus-5-5",
        started_at=NOON,
        ended_at=NOON + timedelta(minutes=7),
        verdict=Verdict.ANSWERED,
        fault=None,
        ran_model=None,
        text="It was the lock.",
        progress="",
        cost_micro_usd=1,
        unpriced=0,
        prompt_tokens=1,
        output_tokens=1,
        has_transcript=True,
    )


def entry(who: str, kind: Kind, text: str, seconds: int = 0) -> Entry:
    return Entry(NOON + timedelta(seconds=seconds), who, kind, text)


def on_terminal(page: Record) -> str:
    return "\n".join(printed(page, BERLIN))


def test_each_entry_has_its_time_and_a_heading(task: Task, attempt: Attempt) -> None:
    entries = [
        entry(MODEL, Kind.SAID, "I look.\n\nThen I tell."),
        entry("Read", Kind.CALL, "file_path: /srv/a.py", 2),
        entry("Read", Kind.RESULT, "limit = 1", 3),
        entry("Bash", Kind.ERROR, "", 4),
        entry(RUNTIME, Kind.NOTE, "API Error: Overloaded", 5),
        entry(RECORDER, Kind.NOTE, "From here on nothing is kept.", 6),
    ]
    assert on_terminal(transcript_record(task, attempt, 0, entries)).splitlines() == [
        "#42 attempt 2, claude-opus-5-5, 2026-11-23 13:00:00 CET to 2026-11-23 13:07:00 CET",
        "answered",
        "",
        "13:00:00  model",
        "    I look.",
        "",
        "    Then I tell.",
        "",
        "13:00:02  calls Read",
        "    file_path: /srv/a.py",
        "",
        "13:00:03  Read answers",
        "    limit = 1",
        "",
        "13:00:04  Bash fails",
        "",
        "",
        "13:00:05  runtime",
        "    API Error: Overloaded",
        "",
        "13:00:06  onequeue",
        "    From here on nothing is kept.",
    ]


def test_nothing_in_it_moves_the_terminal_or_looks_like_a_heading(task: Task, attempt: Attempt) -> None:
    words = "\x1b]0;owned\x07\x1b[2Jbad\r\n13:00:09  Bash answers\x9b1m\u202e\x00\n\v13:00:10  model"
    entries = [entry("Re\nad\x1b[1m", Kind.RESULT, words), entry(MODEL, Kind.SAID, words)]
    text = on_terminal(transcript_record(task, attempt, 0, entries))
    assert not set(text) & set("\x1b\x07\x9b\r\v\x00\u202e")
    headings = [line for line in text.splitlines() if line.startswith("13:")]
    assert headings == ["13:00:00  Re ad answers", "13:00:00  model"]


def test_how_it_ended_and_whether_it_runs(task: Task, attempt: Attempt) -> None:
    broken = replace(
        attempt, verdict=Verdict.FAILED, fault=Fault(FaultKind.NETWORK, "the answer broke\x1b[2J off")
    )
    said = [entry(MODEL, Kind.SAID, "x")]
    assert "\nfailed: network. the answer broke off\n" in on_terminal(
        transcript_record(task, broken, 0, said)
    )
    running = replace(attempt, verdict=None, ended_at=None)
    assert "CET to now\nrunning\n" in on_terminal(transcript_record(task, running, 0, said))


def test_an_attempt_without_one_says_so(task: Task, attempt: Attempt) -> None:
    empty = transcript_record(task, attempt, 0, [])
    assert on_terminal(empty).endswith("\n\nNothing is kept of what happened in it.")
    forgotten = transcript_record(replace(task, words="", forgotten=True), attempt, 0, [])
    assert on_terminal(forgotten).endswith("\n\n(its words are no longer kept)")


def test_pages_are_one_transcript(task: Task, attempt: Attempt) -> None:
    entries = [entry(MODEL, Kind.SAID, f"word {number}") for number in range(PAGE + 1)]
    first = transcript_record(task, attempt, 0, entries[:PAGE])
    second = transcript_record(task, attempt, PAGE, entries[PAGE:])
    assert (first["next"], second["next"]) == (PAGE, None)
    assert "attempt 2" not in on_terminal(second)
    record = whole([first, second])
    assert record == {
        "task": 42,
        "forgotten": False,
        "attempt": {
            "number": 2,
            "model": "claude-opus-5-5",
            "verdict": "answered",
            "fault": None,
            "detail": None,
            "started_at": "2026-11-23T12:00:00+00:00",
            "ended_at": "2026-11-23T12:07:00+00:00",
        },
        "entries": [
            {"at": "2026-11-23T12:00:00+00:00", "who": "model", "kind": "said", "text": f"word {number}"}
            for number in range(PAGE + 1)
        ],
    }


def test_in_slack_operators_are_told_how_to_read_it(task: Task, attempt: Attempt) -> None:
    assert READ in shown(task, [attempt], operator=True)
    assert READ not in shown(task, [attempt])
    assert READ not in shown(task, [replace(attempt, has_transcript=False)], operator=True)
    assert READ not in shown(task, [], operator=True)


def test_an_attempt_goes_with_a_transcript(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "1", "--attempt", "1"], Root()) == 2
    assert capsys.readouterr().err == "onequeue: --attempt says whose --transcript to show; give both\n"
    for number in ("0", "x", "-1", "9" * 12):
        with pytest.raises(SystemExit) as exit_:
            cli.main(["show", "1", "--transcript", f"--attempt={number}"], Root())
        assert exit_.value.code == 2
        assert "is no attempt: give its number" in capsys.readouterr().err
