"""The files that came with a request, read from Slack when an attempt starts. Nothing of them is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bot.ports import NoAnswer, RateLimited, Refused
from bot.slacktext import neutralise
from dispatch.errors import Unreachable
from dispatch.ports import Attachment, FileKind, Gathered
from dispatch.task import Attached, Source, Task

FILES: Final = 5
"""How many files of one request are read."""

LIMITS: Final[Mapping[FileKind, int]] = {
    # The API takes 5 MB of an image's base64, which is a third longer than the image.
    FileKind.IMAGE: 3_900_000,
    FileKind.PDF: 10_000_000,
    FileKind.TEXT: 200_000,
}
"""How many bytes a file of each kind may have."""

TOGETHER: Final = 20_000_000
"""How many bytes all of them may have: one request carries them."""

_NOTED: Final = 20
_NAME_LIMIT: Final = 120
_LONGEST: Final = max(LIMITS.values())
_IMAGES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_KINDS: Final = {FileKind.IMAGE: "an image", FileKind.PDF: "a PDF", FileKind.TEXT: "text"}
_CONTROLS: Final = frozenset(chr(code) for code in range(32)) - frozenset("\t\n\r\f\x1b")
_TOO_LONG: Final = f"over {_LONGEST // 1_000_000} MB, which is the most"


class Shelf(Protocol):
    """Where files are. Every method raises ChatError."""

    async def attached(self, channel: str, thread: str, ts: str) -> Sequence[Attached]:
        """The files of a message."""
        ...

    async def file(self, file_id: str, most: int) -> bytes | None:
        """What is in a file; None where that is more than so many bytes."""
        ...


@dataclass(frozen=True, slots=True)
class _Unread:
    """Why a file is not read, in words."""

    why: str


class SlackFiles:
    """`ports.Files` from Slack: images, PDFs and text, known by what is in them and not by their names."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def of(self, task: Task) -> Gathered:
        """What is in the files now. Raises Unreachable where Slack does not answer now."""
        try:
            return await self._gathered(await self._files(task))
        except Refused as refused:
            return Gathered(unread=(f"the files of the message ({_refusal(refused)})",))
        except (NoAnswer, RateLimited) as error:
            raise Unreachable(str(error)) from error

    async def _files(self, task: Task) -> Sequence[Attached]:
        if task.source is Source.SHORTCUT and task.message is not None:
            return await self._shelf.attached(task.channel, task.thread or task.message, task.message)
        return task.files

    async def _gathered(self, files: Sequence[Attached]) -> Gathered:
        read: list[Attachment] = []
        unread: list[str] = []
        room = TOGETHER
        for number, file in enumerate(files):
            found = await self._read(file, room) if number < FILES else _Unread(f"only {FILES} are read")
            if isinstance(found, _Unread):
                unread.append(f"`{file.name}` ({found.why})")
            else:
                read.append(found)
                room -= len(found.content)
        return Gathered(tuple(read), tuple(unread))

    async def _read(self, file: Attached, room: int) -> Attachment | _Unread:
        if file.size > _LONGEST:
            return _Unread(_TOO_LONG)
        try:
            content = await self._content(file.id)
        except Refused as refused:
            return _Unread(_refusal(refused))
        except NoAnswer:
            return _Unread("Slack did not give it")
        if content is None:
            return _Unread(_TOO_LONG)
        found = sniffed(file.name, content)
        if found is None:
            return _Unread("no image, PDF or text" if content else "empty")
        if len(content) > LIMITS[found.kind]:
            most = f"{LIMITS[found.kind] / 1_000_000:g} MB is the most for {_KINDS[found.kind]}"
            return _Unread(f"{len(content) / 1_000_000:.1f} MB, {most}")
        if len(content) > room:
            return _Unread(f"more than {TOGETHER // 1_000_000} MB with the others")
        return found

    async def _content(self, file_id: str) -> bytes | None:
        try:
            return await self._shelf.file(file_id, _LONGEST)
        except NoAnswer:
            return await self._shelf.file(file_id, _LONGEST)


def sniffed(name: str, content: bytes) -> Attachment | None:
    """The file by what is in it; None for what is no image, PDF or text, or is empty."""
    if not content:
        return None
    for beginning, media_type in _IMAGES.items():
        if content.startswith(beginning):
            return Attachment(name, FileKind.IMAGE, media_type, content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return Attachment(name, FileKind.IMAGE, "image/webp", content)
    if content.startswith(b"%PDF-"):
        return Attachment(name, FileKind.PDF, "application/pdf", content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if not text.strip() or _CONTROLS & set(text):
        return None
    return Attachment(name, FileKind.TEXT, "text/plain", text.encode())


def files_in(told: object) -> tuple[Attached, ...]:
    """The files of a message as Slack tells of it, the first 20."""
    found = [_file(one) for one in told[:_NOTED]] if isinstance(told, list) else []
    return tuple(file for file in found if file is not None)


def _file(told: Any) -> Attached | None:
    match told:
        case {"id": str(file_id)} if file_id.isalnum() and file_id.isascii():
            name, size = told.get("name"), told.get("size")
            return Attached(file_id, _named(name), size if isinstance(size, int) else 0)
    return None


def _named(name: object) -> str:
    """A stranger's name for a file as one line that is safe to quote."""
    line = " ".join(neutralise(str(name or "")).replace("`", "'").split())
    return line[:_NAME_LIMIT] or "a file"


def _refusal(refused: Refused) -> str:
    if refused.code == "missing_scope":
        return "the app may not read files: it needs the scope files:read"
    return f"Slack does not give it: {refused.code}"
