"""What is kept of what happens in a session: struck, cut, and within its room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redact import REDACTED, redact
from dispatch.transcript import (
    LONGEST,
    MODEL,
    RECORDER,
    ROOM,
    SHORTER,
    Entry,
    Kind,
    Room,
    broken_off,
    kept,
    spelled,
)
from tests.fakes.values import NOON

SECRET = "swordfish-4711-swordfish"
CONFIGURED = "xoxb-" + "123456789012-abcdefABCDEF"


def strike(text: str) -> str:
    return redact(text, [SECRET])


def room() -> Room:
    return Room(strike)


def fit_all(one: Room, *texts: str) -> list[Entry]:
    fitted = (one.fit(NOON, "Bash", Kind.RESULT, text) for text in texts)
    return [entry for entry in fitted if entry is not None]


def test_what_fits_is_kept_as_it_is() -> None:
    text = "a line\n\n  über \U0001f600 another\n"
    assert kept(text, strike, LONGEST) == text
    assert kept("", strike, LONGEST) == ""
    assert kept("x" * LONGEST, strike, LONGEST) == "x" * LONGEST


@pytest.mark.parametrize("more", [1, 7_999, 8_000, 8_001, 1_000_000])
def test_what_is_too_long_says_how_much_is_missing(more: int) -> None:
    shown = kept("x" * (LONGEST + more), strike, LONGEST)
    assert shown == "x" * LONGEST + f"\n… {more:,} characters left out"


@pytest.mark.parametrize("secret", [SECRET, CONFIGURED])
@pytest.mark.parametrize("tail", [0, 100, 100_000])
@pytest.mark.parametrize("inside", range(0, 30, 3))
def test_a_cut_does_not_halve_a_secret(secret: str, tail: int, inside: int) -> None:
    text = "x" * (LONGEST - inside - 1) + " " + secret + " " + "y" * tail
    shown = kept(text, strike, LONGEST)
    assert not any(secret[:count] in shown for count in range(6, len(secret) + 1))


@given(
    st.lists(st.sampled_from([SECRET, CONFIGURED, "x" * 700, "y\n", " "]), max_size=60),
    st.integers(20, 3_000),
)
def test_no_secret_is_ever_kept(parts: list[str], longest: int) -> None:
    shown = kept(" ".join(parts), strike, longest)
    assert "swordfish" not in shown
    assert "xoxb-1" not in shown
    assert len(shown) <= longest + 40


def test_secrets_that_shrink_do_not_bring_the_cut_nearer() -> None:
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{'A' * 64}\n-----END RSA PRIVATE KEY-----\n"
    text = key * 100 + "x" * 20_000 + SECRET * 400
    shown = kept(text, strike, LONGEST)
    assert REDACTED in shown
    assert "swordfish" not in shown
    assert "AAAA" not in shown


def test_a_huge_result_costs_no_more_than_what_is_kept_of_it() -> None:
    struck = list[int]()

    def counting(text: str) -> str:
        struck.append(len(text))
        return strike(text)

    kept("sk-x" * 16_000_000, counting, LONGEST)
    assert sum(struck) < 2 * LONGEST


def test_what_no_database_keeps_is_replaced() -> None:
    assert kept("a\x00b\ud83dc", str, LONGEST) == "a\ufffdb\ufffdc"
    entry = Room(str).fit(NOON, "no\x00\udc00tool" + "x" * 300, Kind.CALL, "")
    assert entry is not None
    assert entry.who == "no\ufffd\ufffdtool" + "x" * 92


def test_a_name_is_struck_too() -> None:
    entry = room().fit(NOON, SECRET, Kind.CALL, "x")
    assert entry == Entry(NOON, REDACTED, Kind.CALL, "x")


def test_a_full_room_says_so_once_and_takes_nothing_more() -> None:
    entries = fit_all(room(), *["x" * LONGEST] * 600)
    assert entries[-1] == Entry(
        NOON,
        RECORDER,
        Kind.NOTE,
        "From here on nothing is kept: the transcript of one attempt may take 1,000,000 bytes.",
    )
    assert [entry.who for entry in entries[:-1]] == ["Bash"] * (len(entries) - 1)
    assert sum(entry.size for entry in entries[:-1]) <= ROOM


def test_a_long_session_keeps_less_of_each_result_rather_than_nothing_of_its_end() -> None:
    entries = fit_all(room(), *["x" * 60_000] * 200)
    assert [len(entry.text) for entry in entries[:2]] == [LONGEST + len("\n… 44,000 characters left out")] * 2
    assert entries[-1].text == "x" * SHORTER + "\n… 59,000 characters left out"
    assert len(entries) == 200


@given(st.lists(st.text(max_size=40) | st.integers(0, 60_000).map(lambda size: "ü" * size), max_size=80))
def test_no_attempt_takes_more_than_its_room(texts: list[str]) -> None:
    entries = fit_all(room(), *texts)
    assert sum(entry.size for entry in entries if entry.who != RECORDER) <= ROOM
    assert sum(entry.who == RECORDER for entry in entries) <= 1


@pytest.mark.parametrize(
    ("said", "is_kept"),
    [
        ("", "…"),
        ("I loo", "I …"),
        ("I look at swordfish-47", "I look at …"),
        ("I look at it.\n", "I look at it.\n…"),
        ("I look\nsk-an", "I look\n…"),
        ("  ", "  …"),
    ],
)
def test_of_what_broke_off_only_whole_words_are_kept(said: str, is_kept: str) -> None:
    assert broken_off(said) == is_kept


def test_a_long_word_that_broke_off_costs_little() -> None:
    assert broken_off("a " + "x" * 5_000_000) == "a …"


@pytest.mark.parametrize(
    ("given_input", "words"),
    [
        (
            {"file_path": "/srv/a.py", "old_string": 'say "a"\nb', "limit": 3},
            'file_path: /srv/a.py\nold_string: say "a"\nb\nlimit: 3',
        ),
        ({"todos": [{"text": "über"}], "all": None}, 'todos: [{"text": "über"}]\nall: null'),
        ({}, ""),
        ("words", "words"),
        ([1], "[1]"),
        (None, "null"),
    ],
)
def test_an_input_reads_as_lines(given_input: object, words: str) -> None:
    assert spelled(given_input) == words


def test_an_entry_knows_its_size_in_bytes() -> None:
    assert Entry(NOON, MODEL, Kind.SAID, "über").size == len("model") + 5
