"""A Slack that refuses what is new, or what is not granted: the answer arrives all the same."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.rehearsal.slack.shown import visible
from bot.rehearsal.slack.state import Message as Posted
from dispatch.faults import Fault, FaultKind
from dispatch.states import State
from dispatch.task import Outcome, Verdict
from dispatch.work import Work
from tests.integration.post_room import Room, post_room, settle_down
from tests.integration.writing_room import FIRST, SHOWN, WHOLE, answered, finish, replies, shown, writer

CODE = "\n".join(f"x = {number}" for number in range(600))
DIFF = f"{FIRST}\n\n```diff\n-old\n+new\n```\n\n```python\n{CODE}\n```\n\nThat is all."


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


def read(post: Posted) -> str:
    """All words of a message and its files."""
    files = [(file.content or b"").decode() for file in post.files]
    return "\n".join([post.text, visible(post), *files])


@pytest.mark.parametrize("streamed", [True, False], ids=["growing", "whole"])
@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("chat.startStream", "unknown_method"),
        ("chat.startStream", "missing_scope"),
        ("chat.appendStream", "unknown_method"),
        ("chat.stopStream", "unknown_method"),
        ("chat.stopStream", "invalid_blocks"),
        ("chat.update", "invalid_blocks"),
        ("chat.postMessage", "invalid_blocks"),
        ("agents.sessions.setStatus", "unknown_method"),
        ("agents.sessions.setStatus", "missing_scope"),
        ("chat.delete", "unknown_method"),
        ("files.getUploadURLExternal", "unknown_method"),
        ("files.getUploadURLExternal", "missing_scope"),
        ("files.getUploadURLExternal", "snippet_too_large"),
        ("files.completeUploadExternal", "file_type_not_allowed"),
        ("files.completeUploadExternal", "file_update_failed"),
        ("files.completeUploadExternal", "invalid_channel"),
        ("files.completeUploadExternal", "an_unlisted_code"),
    ],
)
@pytest.mark.parametrize("text", [WHOLE, DIFF], ids=["prose", "files"])
async def test_the_answer_arrives_readable_in_its_thread(
    room: Room, method: str, code: str, streamed: bool, text: str
) -> None:
    writing = await writer(room)
    room.slack.fault(method, "error", error=code, times=2)
    if streamed:
        await writing.write(FIRST + "\n", lambda: shown(room) or room.calls("chat.startStream"))
    await writing.end(answered(text))
    await finish(room, writing)
    told = "\n".join(read(post) for post in replies(room))
    expected = SHOWN if text is WHOLE else DIFF
    for line in expected.split("\n"):
        if line.startswith("```"):
            continue
        assert line.strip("`| ") in told.replace("&lt;", "<").replace("&gt;", ">")
    card = room.posts()[0]
    assert {post.thread_ts for post in replies(room)} == {card.ts}
    assert len(room.posts()) == 1 + len(replies(room))
    assert not any(post.stream for post in room.posts())


async def test_files_go_along_in_the_thread(room: Room) -> None:
    writing = await writer(room)
    await writing.end(answered(DIFF))
    await finish(room, writing)
    answer, *files = replies(room)
    assert [post.files[0].name for post in files] == ["1-changes.diff", "1-code.py"]
    assert files[0].files[0].content == b"-old\n+new\n"
    assert "```diff\n-old\n+new\n```" in answer.blocks[0]["text"]
    assert "`1-code.py` goes along as a file." in answer.blocks[0]["text"]


async def test_words_of_a_file_that_slack_refuses_ping_nobody(room: Room) -> None:
    room.slack.fault("files.getUploadURLExternal", "error", error="file_uploads_disabled", times=2)
    writing = await writer(room)
    await writing.end(answered("```diff\n+ <!channel> @here ```` sk-the-secret\n```"))
    await finish(room, writing)
    await settle_down(room)
    assert len(replies(room)) == 2
    assert {ping.target for ping in room.slack.pings} == {"UANA00001"}
    assert "sk-the-secret" not in str(replies(room))


@pytest.mark.parametrize("verdict", [Verdict.ANSWERED, Verdict.FAILED])
async def test_the_work_of_a_session_goes_along_as_a_diff(room: Room, verdict: Verdict) -> None:
    writing = await writer(room)
    work = Work("onequeue/1", " queue.py | 2 +-\n 1 file changed", diff="-limit = 4\n+key = sk-the-secret\n")
    fault = Fault(FaultKind.OVER_CAP) if verdict is Verdict.FAILED else None
    state = State.FAILED if verdict is Verdict.FAILED else State.DONE
    await writing.end(Outcome(verdict, "It is done.", "claude-opus-5-5", fault, work), state)
    await finish(room, writing)
    (file,) = replies(room)[-1].files
    assert (file.name, file.content) == ("1.diff", b"-limit = 4\n+key = [redacted]\n")
