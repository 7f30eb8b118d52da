"""What is kept of a session that is put aside, and that nothing else is taken for it."""

import json
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.places.spot import Spot, spot_of
from dispatch.runners.claude_code.aside import LONGEST, Aside, found, laid_out, packed, unpacked

ID = "0b7f9bb0-1111-4222-8333-944444444444"
SAID = json.dumps({"type": "user", "sessionId": ID, "message": {}}).encode()
KEPT = Aside(ID, SAID + b"\n" + b'{"type": "cost-state"}\n', "So far.", "$ git push", b"files")
SPOT = Spot("payments-1-1", "onequeue/1-2", "a" * 40)


def bytes_of(aside: Aside) -> bytes:
    kept = packed(aside)
    assert kept is not None
    return kept


def test_what_is_packed_comes_back() -> None:
    assert unpacked(bytes_of(KEPT)) == KEPT


@given(st.text(), st.text())
def test_words_come_back_as_they_were(text: str, action: str) -> None:
    text, action = (words.encode("utf-8", "replace").decode() for words in (text, action))
    kept = replace(KEPT, text=text, action=action)
    assert unpacked(bytes_of(kept)) == kept


@pytest.mark.parametrize(
    "kept",
    [
        replace(KEPT, session="../../etc/passwd"),
        replace(KEPT, session=ID.upper()),
        replace(KEPT, transcript=b""),
        replace(KEPT, transcript=b'{"type": "cost-state"}'),
        replace(KEPT, transcript=SAID + b"\n7"),
        replace(KEPT, transcript=SAID + b"\nnonsense"),
        replace(KEPT, transcript=SAID.replace(b"0b7f9bb0", b"1b7f9bb0")),
    ],
)
def test_what_is_no_session_is_not_gone_on_with(kept: Aside) -> None:
    assert unpacked(bytes_of(kept)) is None


@given(st.binary())
def test_other_bytes_are_nothing(noise: bytes) -> None:
    assert unpacked(noise) is None
    assert unpacked(b"claude-code/1\n" + noise) is None
    assert unpacked(b"claude-code/1\n" + zlib.compress(noise)) is None


def test_it_is_read_only_whole_and_within_its_bounds() -> None:
    whole = bytes_of(KEPT)
    assert unpacked(whole[:-1]) is None
    assert unpacked(whole.replace(b"claude-code/1", b"claude-code/2")) is None
    assert packed(replace(KEPT, transcript=b" " * (LONGEST + 1))) is None
    head = whole[: len(b"claude-code/1\n")]
    told = {"session": ID, "text": "", "action": "", "length": len(SAID)}
    bomb = zlib.compress(json.dumps(told).encode() + b"\n" + SAID + b" " * 10**8)
    assert len(bomb) < 10**6
    assert unpacked(head + bomb) is None


def test_a_transcript_is_found_and_laid_out(tmp_path: Path) -> None:
    assert found(tmp_path, ID) == b""
    path = laid_out(tmp_path, KEPT)
    assert path.is_relative_to(tmp_path)
    assert found(tmp_path, ID) == KEPT.transcript
    path.unlink()
    path.symlink_to(__file__)
    assert found(tmp_path, ID) == b""


def test_a_spot_comes_back_for_its_own_task_and_project() -> None:
    assert spot_of(SPOT.record, 1, "payments") == SPOT
    assert spot_of(SPOT.record, 2, "payments") is None
    assert spot_of(SPOT.record, 1, "wiki") is None


@pytest.mark.parametrize(
    "record",
    [
        "",
        "7",
        "[" * 99_999,
        replace(SPOT, home="../payments-1-1").record,
        replace(SPOT, home="payments-1-1/x").record,
        replace(SPOT, branch="main").record,
        replace(SPOT, branch="onequeue/1 --force").record,
        replace(SPOT, began="--upload-pack=x").record,
        replace(SPOT, began="HEAD").record,
    ],
)
def test_no_other_spot_is_made(record: str) -> None:
    assert spot_of(record, 1, "payments") is None
