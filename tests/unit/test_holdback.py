"""What is shown of a text while it is written is what is shown of it at the end."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.holdback import safe, settled
from bot.redact import REDACTED
from bot.views.gate import check
from bot.views.message import Message

SECRETS = ("hunter2hunter2", "correct horse battery")
KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq2\nMIIEowIBAAKCAQEA7b\n-----END RSA PRIVATE KEY-----"
)
BITS = (
    *("sk-ant-abcdefgh12345", "xoxb-1234567890-abc", "https://ana:pass@host/x?token=abc", KEY, *SECRETS),
    *("<!channel>", "<@U123>", "@here", "<!subteam^S1>", "ana@here", "-----BEGIN ", "-----END X-----"),
    *("\x1b[31m", "\x1b]0;a b\x07", "\x1b", "\x9b q", "\r\n", "\r", "\u2028", "\x1f", "\x00", "\ud800"),
    *(" ", "\n", "\n\n", "word", "a", "`", "|", "-----", "correct ", "correct horse ", "hunter2"),
)
texts = st.lists(st.one_of(st.sampled_from(BITS), st.text(max_size=4)), max_size=30).map("".join)


@given(texts, st.lists(st.integers(0, 400), max_size=12))
@example("the key sk-ant-abcdefgh12345 and <!channel> end", list(range(48)))
@example(f"before {KEY} after ", list(range(150)))
@example("say correct horse battery now ", list(range(31)))
@example(" \x1b[31m", [1, 2])
def test_the_pieces_are_the_beginning_of_the_whole(text: str, cuts: list[int]) -> None:
    shown = [settled(text[:cut], SECRETS) for cut in sorted(cuts)] + [safe(text, SECRETS)]
    for earlier, later in pairwise(shown):
        assert later.startswith(earlier)


@given(texts, st.integers(0, 400))
def test_no_piece_has_a_live_ping_or_a_secret(text: str, cut: int) -> None:
    shown = settled(text[:cut], SECRETS)
    check(Message(shown))
    assert not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words of", "plain words "),
        ("a line\nand", "a line\nand"[:7]),
        ("the key is sk-ant-abcdefgh", "the key is "),
        ("the key is sk-ant-abcdefgh1 now", f"the key is {REDACTED} "),
        ("say correct horse batt", "say "),
        ("say correct horses ", "say correct horses "),
        ("one\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow ", "one\n"),
        (f"one\n{KEY} two three", f"one\n{REDACTED} two "),
        ("red \x1b[31m and blue ", "red "),
    ],
)
def test_what_is_held_back(text: str, shown: str) -> None:
    assert settled(text, SECRETS) == shown
