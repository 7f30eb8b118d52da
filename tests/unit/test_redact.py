import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redact import REDACTED, redact

BODY = "MIIEpAIBAAKCAQEA7bq0l3xyz\nAbCdEfGhIjKlMnOpQrStUvWxYz012345\n"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
TOKENS = (
    "xoxb-" + "123456789012-abcdefABCDEF",
    "xoxp-" + "123456789012-abcdefABCDEF",
    "xapp-" + "1-A012345-678901234567-abcdef",
    "sk-ant-" + "api03-abc_DEF-123456789",
    "sk-" + "proj-abcdefghij0123456789ABCDEFGHIJ",
    "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_" + "11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "AKIA" + "IOSFODNN7EXAMPLE",
    JWT,
    "https://hooks.slack.com/services/" + "T000/B000/abcdefghijkl",
    KEY,
)
ORDINARY = (
    "The task-0123456789-abcdefghijklmnop failed: see risk-assessment-2026-of-the-whole-quarter.",
    "Go to https://example.com:8080/a?b=c@d, https://a.com/?key=PROJ-12, or mail ana@example.com.",
    "Clone git@github.com:acme/wiki or ssh://git@github.com/acme/wiki at 10:00 @ noon.",
    "A key begins with -----BEGIN PUBLIC KEY----- and sk- or xoxb- is how tokens begin.",
    "connect(password=password, key='x') at 12:30 with ratio 3:4@5",
    "AKIA is a prefix, eyJ too: eyJ.a.b and AKIASHORT.",
)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("key=", "\n"), ("it is `", "`."), ('{"a": "', '"}')]
)
def test_well_known_tokens_go_and_the_text_around_them_stays(token: str, before: str, after: str) -> None:
    assert redact(before + token + after) == before + REDACTED + after


@pytest.mark.parametrize(
    "unseen", ["\x1b[1m", "\x1b[0;31m", "\x1b]0;title\x07", "\x07", "\x00", "\u202a", "\u2069"]
)
@pytest.mark.parametrize("secret", [*TOKENS, "sk-the-secret-123"])
def test_what_nobody_sees_splits_no_secret(secret: str, unseen: str) -> None:
    split = f"use {unseen}{secret[:6]}{unseen}{secret[6:]}{unseen}?"
    assert redact(split, ["sk-the-secret-123"]) == f"use {REDACTED}?"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://ana:hunter2@db.acme.com/main", "postgres://[redacted]@db.acme.com/main"),
        ("redis://:hunter2@cache:6379", "redis://[redacted]@cache:6379"),
        ("http://ana:p@ss@host/x@y", "http://[redacted]@host/x@y"),
        ("https://a.com/x?password=hunter2&page=2", "https://a.com/x?[redacted]&page=2"),
    ],
)
def test_credentials_in_addresses(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_a_key_cut_short_goes_as_far_as_it_stands_there() -> None:
    assert redact(f"-----BEGIN PRIVATE KEY-----\n{BODY}and then?") == f"{REDACTED}\nand then?"


@pytest.mark.parametrize("sign", ["→", "\t", ":"])
def test_a_key_in_a_listing_with_numbers_goes_whole_or_as_far_as_it_stands_there(sign: str) -> None:
    def listed(text: str) -> str:
        return "".join(f"{number:6}{sign}{line}\n" for number, line in enumerate(text.splitlines(), start=1))

    assert redact(listed(f"so:\n{KEY}\nend")) == f"     1{sign}so:\n     2{sign}{REDACTED}\n     6{sign}end\n"
    unfinished = f"-----BEGIN PRIVATE KEY-----\n{BODY}"
    assert redact(listed(unfinished)) == f"     1{sign}{REDACTED}\n"


def test_a_key_written_on_one_line_goes_whole() -> None:
    assert redact(KEY.replace("\n", "\\n") + " next") == f"{REDACTED} next"


def test_only_the_key_goes_when_words_follow_an_unfinished_one() -> None:
    unfinished = "Paste -----BEGIN PRIVATE KEY----- first. ----- Then the rest."
    assert redact(unfinished) == f"Paste {REDACTED} first. ----- Then the rest."


def test_configured_secrets_go_longest_first() -> None:
    assert redact("a-long-secret-and-more", ["a-long-secret", "a-long-secret-and-more"]) == REDACTED


def test_short_and_empty_configured_secrets_are_left_alone() -> None:
    assert redact("the seventh word", ["", "seventh"]) == "the seventh word"


@given(st.text(), st.text(), st.text(alphabet="0123456789!", min_size=8))
def test_no_configured_secret_is_left(before: str, after: str, secret: str) -> None:
    assert secret not in redact(before + secret + after, [secret])


@given(st.text())
def test_redacting_twice_changes_nothing(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.lists(st.from_regex(r"[a-z]{1,12}[.,:;?!]?", fullmatch=True)).map(" ".join))
def test_prose_stays(text: str) -> None:
    assert redact(text) == text


@given(st.lists(st.sampled_from([*TOKENS, *ORDINARY, "://", "@", ":", "-----", "eyJ", "\n"])).map(" ".join))
def test_no_token_is_left_among_others(text: str) -> None:
    redacted = redact(text)
    assert not [token for token in TOKENS if token in redacted]
    assert all(line in redacted for line in ORDINARY if line in text)


HOSTILE = (
    "sk-",
    "sk-a",
    "eyJ",
    "eyJaaaaaaaa.",
    "://",
    "://a:",
    "a:b@",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "1",
    "1234567:",
    "1→AAAAAAAAAAAAAAA",
    "-----BEGIN PRIVATE KEY-----AAAAAAAAAAAAAAAA\n",
    "A",
    " \\n",
    "xoxb-",
    "https://hooks.slack.com/services/",
    "?token=",
)


@pytest.mark.parametrize("fragment", HOSTILE)
def test_hostile_text_takes_linear_time(fragment: str) -> None:
    text = ("-----BEGIN PRIVATE KEY-----://a:" + fragment * (200_000 // len(fragment))) + "\n"
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 2
