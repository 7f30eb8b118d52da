"""A session of Claude Code that is put aside: what it needs to go on, kept as bytes and checked when read.

What is kept was written by a program that a stranger's words went through, so none of it is trusted.
"""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from dispatch.runners.claude_code import bundle

LONGEST = 32 * 1024 * 1024
"""Bytes of a transcript that is kept. A session with a longer one begins anew."""

_KIND = b"claude-code/1\n"
_HEAD = 1024 * 1024
_ENTRY = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class Aside:
    """A session as it was left: its own id and transcript, what it had written, and what it waits to do.

    `action` is empty where its tools and not its permissions made it wait. `files` are the bundle of a
    folder that nothing else keeps.
    """

    session: str
    transcript: bytes
    text: str = ""
    action: str = ""
    files: bytes = b""


def packed(aside: Aside) -> bytes | None:
    """All of it as bytes; None where it is too long to be kept."""
    length = len(aside.transcript)
    told = {"session": aside.session, "text": aside.text, "action": aside.action, "length": length}
    head = json.dumps(told).encode()
    if length > LONGEST or len(head) > _HEAD:
        return None
    return _KIND + zlib.compress(head + b"\n" + aside.transcript + aside.files)


def unpacked(kept: bytes) -> Aside | None:
    """What was packed; None where these bytes are anything else."""
    if not kept.startswith(_KIND):
        return None
    try:
        unpacking = zlib.decompressobj()
        whole = unpacking.decompress(kept[len(_KIND) :], _HEAD + 1 + LONGEST + bundle.LONGEST)
        head, _, rest = whole.partition(b"\n")
        told = json.loads(head)
        session, text, action = told["session"], told["text"], told["action"]
        transcript, files = rest[: told["length"]], rest[told["length"] :]
        known = str(UUID(session)) == session and isinstance(text, str) and isinstance(action, str)
        if not (known and unpacking.eof and _is_transcript(transcript, session)):
            return None
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return Aside(session, transcript, text, action, files)


def found(run: Path, session: str) -> bytes:
    """The transcript that a session has left in its run's folder; empty where it cannot be had."""
    for path in (run / "config" / "projects").glob(f"*/{session}.jsonl"):
        try:
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= LONGEST:
                return path.read_bytes()
        except OSError:
            continue
    return b""


def laid_out(run: Path, aside: Aside) -> Path:
    """The transcript as a file in the run's folder, from which the session can go on. Raises OSError."""
    path = run / "config" / "projects" / "resumed" / f"{aside.session}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(aside.transcript)
    return path


def _is_transcript(text: bytes, session: str) -> bool:
    """Whether each line is an entry of that session, and some of them were said. Raises ValueError."""
    said = 0
    for line in text.splitlines():
        entry = json.loads(line)
        if not isinstance(entry, dict) or entry.get("sessionId", session) != session:
            return False
        said += entry.get("type") in _ENTRY
    return said > 0
