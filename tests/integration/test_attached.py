"""Files that come with a request: said when it is stored, read from the simulated Slack when it starts."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from bot.attached import FILES, LIMITS, SlackFiles, files_in, sniffed
from bot.chat import SlackChat
from bot.forms import OF_A_MESSAGE
from bot.quotes import ThreadQuotes
from bot.rehearsal.slack import SlackSim
from bot.rehearsal.slack.shown import file_json
from bot.views.threads import FILE_ALONE
from dispatch.attachments import introduced, noted
from dispatch.errors import Unreachable
from dispatch.ports import Attachment, FileKind, Gathered
from dispatch.task import Attached, Outcome, Task, Verdict
from tests.fakes.attachments import PDF, PNG, TEXT, ZIP
from tests.fakes.values import make_task
from tests.integration.rehearsal_slack import manifest_with, running
from tests.integration.ways_room import Ways, ways_room


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_room(tmp_path) as opened:
        yield opened


async def asked(ways: Ways, *files: tuple[str, bytes], text: str = "@onequeue p3 look") -> Task:
    await ways.slack.say("ana", "ops", text, files=files)
    await heard(ways)
    return (await ways.tasks())[-1]


async def heard(ways: Ways) -> None:
    """Returns once all that was said has met its fate."""
    await ways.slack.wait_for(lambda state: all(each.state != "sent" for each in state.envelopes))


async def gathered(ways: Ways, task: Task) -> Gathered:
    return await SlackFiles(ways.room.chat).of(task)


def names(found: Sequence[Attachment]) -> list[str]:
    return [file.name for file in found]


async def test_of_a_file_only_id_name_and_size_are_stored(ways: Ways) -> None:
    task = await asked(ways, ("p99.png", PNG), ("log.txt", TEXT))
    assert [(file.name, file.size) for file in task.files] == [("p99.png", len(PNG)), ("log.txt", len(TEXT))]
    assert {file.id for file in task.files} == set(ways.slack.state.files)
    assert await ways.room.store.queue.task(task.id) == task


async def test_a_file_alone_in_a_thread_is_told_to_want_words_where_it_is_meant_for_us(ways: Ways) -> None:
    await asked(ways)
    thread = (await ways.tasks())[0].thread
    for who, text in (("ana", ""), ("sam", ""), ("kim", "@onequeue")):
        await ways.slack.say(who, "ops", text, thread_ts=thread, files=[("log.txt", TEXT)])
        await heard(ways)
    told = {who: await ways.told(who) for who in ("ana", "sam", "kim")}
    assert told == {"ana": [FILE_ALONE], "sam": [], "kim": [FILE_ALONE]}
    assert len(await ways.tasks()) == 1


async def test_a_file_alone_that_is_said_to_us_is_told_to_want_words(ways: Ways) -> None:
    root = await ways.slack.say("sam", "ops", "payments is slow")
    dm = ways.slack.dm("ana")
    for channel, text, thread in (("ops", "@onequeue", None), ("ops", "@onequeue", root), (dm, "", None)):
        await ways.slack.say("ana", channel, text, thread_ts=thread, files=[("log.txt", TEXT)])
    await heard(ways)
    assert await ways.told("ana") == [FILE_ALONE] * 2
    assert ways.slack.messages(dm)[-1].text == FILE_ALONE
    assert await ways.tasks() == []


async def test_images_pdfs_and_text_are_read_by_what_is_in_them(ways: Ways) -> None:
    task = await asked(ways, ("a.txt", PNG), ("b.png", PDF), ("c.pdf", TEXT), ("d.png", ZIP))
    found = await gathered(ways, task)
    assert [(file.name, file.kind) for file in found.read] == [
        ("a.txt", FileKind.IMAGE),
        ("b.png", FileKind.PDF),
        ("c.pdf", FileKind.TEXT),
    ]
    assert [file.content for file in found.read] == [PNG, PDF, TEXT]
    assert found.unread == ("`d.png` (no image, PDF or text)",)


async def test_files_of_a_direct_message_are_read(ways: Ways) -> None:
    await ways.slack.say("ana", ways.slack.dm("ana"), "p3 look", files=[("p99.png", PNG)])
    await ways.slack.wait_for(lambda state: all(each.state != "sent" for each in state.envelopes))
    (task,) = await ways.tasks()
    assert names((await gathered(ways, task)).read) == ["p99.png"]


async def test_files_of_a_message_made_a_task_are_read_from_that_message_alone(ways: Ways) -> None:
    root = await ways.slack.say("sam", "ops", "see", files=[("other.png", PNG)])
    reply = await ways.slack.say("sam", "ops", "and this", thread_ts=root, files=[("log.txt", TEXT)])
    await ways.slack.forms.message_shortcut("ana", "ops", reply, OF_A_MESSAGE)
    await ways.slack.forms.submit("ana", {"words": "why"})
    (task,) = await ways.tasks()
    assert names((await gathered(ways, task)).read) == ["log.txt"]
    quote = await ThreadQuotes(ways.room.chat).of(task)
    assert "[file, not read: other.png]" in quote
    assert "[file: log.txt]" in quote


async def test_no_more_files_are_read_than_may(ways: Ways) -> None:
    task = await asked(ways, *((f"{number}.txt", TEXT) for number in range(FILES + 2)))
    found = await gathered(ways, task)
    assert names(found.read) == [f"{number}.txt" for number in range(FILES)]
    assert found.unread == ("`5.txt` (only 5 are read)", "`6.txt` (only 5 are read)")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (PNG + bytes(LIMITS[FileKind.IMAGE]), "`a` (3.9 MB, 3.9 MB is the most for an image)"),
        (PDF + bytes(LIMITS[FileKind.PDF]), "`a` (over 10 MB, which is the most)"),
        (b"word " * 50_000, "`a` (0.2 MB, 0.2 MB is the most for text)"),
    ],
)
async def test_what_is_too_large_is_named(ways: Ways, content: bytes, told: str) -> None:
    task = await asked(ways, ("a", content))
    assert await gathered(ways, task) == Gathered(unread=(told,))


async def test_a_file_that_is_larger_than_was_said_is_cut_off(ways: Ways) -> None:
    await asked(ways, ("a.pdf", PDF + bytes(LIMITS[FileKind.PDF])))
    (file_id,) = ways.slack.state.files
    assert await ways.room.chat.file(file_id, 1000) is None
    lied = make_task(files=(Attached(file_id, "a.pdf", 1),))
    assert (await gathered(ways, lied)).unread == ("`a.pdf` (over 10 MB, which is the most)",)


async def test_what_does_not_fit_beside_the_others_is_named(ways: Ways) -> None:
    task = await asked(ways, *((f"{number}.pdf", PDF + bytes(9_000_000)) for number in range(3)))
    found = await gathered(ways, task)
    assert names(found.read) == ["0.pdf", "1.pdf"]
    assert found.unread == ("`2.pdf` (more than 20 MB with the others)",)


async def test_a_file_that_slack_does_not_give_is_named_and_the_others_are_read(ways: Ways) -> None:
    task = await asked(ways, ("gone.txt", TEXT), ("log.txt", TEXT))
    del ways.slack.state.files[task.files[0].id]
    found = await gathered(ways, task)
    assert names(found.read) == ["log.txt"]
    assert found.unread == ("`gone.txt` (Slack does not give it: file_not_found)",)


async def test_without_the_scope_it_is_said_which_one_is_missing(ways: Ways) -> None:
    task = await asked(ways, ("log.txt", TEXT))
    other = SlackSim(manifest_with(drop=("files:read",)))
    async with running(other):
        found = await SlackFiles(SlackChat(other.bot_token, other.api_url)).of(task)
    assert found.unread == ("`log.txt` (the app may not read files: it needs the scope files:read)",)


async def test_slack_that_does_not_answer_is_asked_again_later(ways: Ways) -> None:
    task = await asked(ways, ("log.txt", TEXT))
    ways.slack.fault("files.info", "429")
    with pytest.raises(Unreachable):
        await gathered(ways, task)
    ways.slack.fault("files.info", "500")
    assert names((await gathered(ways, task)).read) == ["log.txt"]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/elsewhere",
        "https://evil.example/a",
        "https://slack.com.evil.example/a",
        "https://slack.com@evil.example/a",
        "http://files.slack.com/a",
        "ftp://files.slack.com/a",
        "file:///etc/passwd",
        "",
    ],
)
async def test_our_token_goes_nowhere_but_to_slack(ways: Ways, address: str) -> None:
    reached: list[web.Request] = []

    async def elsewhere(request: web.Request) -> web.Response:
        reached.append(request)
        return web.Response(body=TEXT)

    app = web.Application()
    app.router.add_get("/elsewhere", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await asked(ways, ("log.txt", TEXT))
        with pytest.raises(Exception, match="not_stored_in_slack"):
            await fetched_from(ways, address.format(port=runner.addresses[0][1]))
    finally:
        await runner.cleanup()
    assert reached == []


async def test_a_redirect_is_not_followed(ways: Ways) -> None:
    await asked(ways, ("log.txt", TEXT))
    with pytest.raises(Exception, match="HTTP 302"):
        await fetched_from(ways, f"{{slack}}/redirects?to={ways.slack.url}/health")


async def fetched_from(ways: Ways, address: str) -> bytes | None:
    """What our client gets where `files.info` names that address."""
    (file,) = ways.slack.state.files.values()

    async def info(request: web.Request) -> web.Response:
        told = file_json(ways.slack.state, file)
        told["url_private_download"] = address.format(slack=f"http://{request.host}")
        return web.json_response({"ok": True, "file": told})

    async def redirects(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query["to"])

    app = web.Application()
    app.router.add_route("*", "/api/files.info", info)
    app.router.add_get("/redirects", redirects)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        chat = SlackChat("xoxb-small", f"http://127.0.0.1:{runner.addresses[0][1]}/api/")
        return await chat.file(file.id, 1000)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        ("\ufeffgrün\t\x1b[0m\r\n".encode(), "text/plain"),
        (b"a\x00b", None),
        (b"\xff\xfe", None),
        (b"  \n", None),
        (b"", None),
    ],
)
def test_what_a_file_is(content: bytes, kind: str | None) -> None:
    found = sniffed("a", content)
    assert (found.media_type if found else None) == kind


@pytest.mark.parametrize("told", [None, {}, "x", [None], [{"id": 7}], [{"id": "../x"}], [{}]])
def test_what_slack_does_not_tell_of_is_no_file(told: object) -> None:
    assert files_in(told) == ()


def test_a_name_is_one_line_that_closes_no_quotation() -> None:
    (file,) = files_in([{"id": "F1", "name": "a`\n<!channel> \x1b[31m" + "x" * 300, "size": "big"}])
    assert "\n" not in file.name
    assert "`" not in file.name
    assert "<!channel>" not in file.name
    assert (len(file.name), file.size) == (120, 0)


def test_the_session_is_told_what_it_has_and_has_not() -> None:
    found = Gathered((Attachment("a.png", FileKind.IMAGE, "image/png", PNG),), ("`b.zip` (empty)",))
    told = introduced(found)
    assert "instruction to you:\n- a.png" in told
    assert "you do not have them:\n- `b.zip` (empty)" in told
    assert introduced(Gathered()) == ""


def test_the_answer_says_what_was_not_read() -> None:
    answer, found = Outcome(Verdict.ANSWERED, "Yes.", "m"), Gathered(unread=("`b.zip` (empty)",))
    assert noted(answer, found).text == "Yes.\n\nNot read: `b.zip` (empty)"
    assert noted(answer, Gathered()) == answer
    failed = Outcome(Verdict.FAILED, "half")
    assert noted(failed, found) == failed
