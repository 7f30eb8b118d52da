"""The files that came with a request, laid where an agent may read them and not change them."""

import re
from collections.abc import Sequence
from pathlib import Path

from dispatch.ports import Attachment, FileKind

FOLDER = "attachments"
"""Their folder, in the run's."""

_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_LIMIT = 60
_READ_ONLY = 0o444


def laid_out(files: Sequence[Attachment], run: Path) -> Path | None:
    """Their folder with all of them in it; None where there are none. Raises OSError."""
    if not files:
        return None
    folder = run / FOLDER
    folder.mkdir()
    for number, file in enumerate(files, 1):
        written = folder / _name(number, file)
        written.write_bytes(file.content)
        written.chmod(_READ_ONLY)
    return folder


def with_folder(words: str, files: Sequence[Attachment], folder: Path | None) -> str:
    """What is said to the agent, with where it finds the files."""
    if folder is None:
        return words
    found = "".join(f"\n- {folder / _name(number, file)}" for number, file in enumerate(files, 1))
    return f"{words}\n\nThe files that came with the request lie here, to be read only:{found}"


def _name(number: int, file: Attachment) -> str:
    """A name that is none but its own and ends as what the file is."""
    safe = _UNSAFE.sub("-", Path(file.name).stem).strip("-.")[:_NAME_LIMIT] or "file"
    suffix = _SUFFIXES.get(file.media_type, "")
    if file.kind is FileKind.TEXT:
        suffix = _UNSAFE.sub("", Path(file.name).suffix)[:10] or ".txt"
    return f"{number}-{safe}{suffix}"
