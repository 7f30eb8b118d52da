"""The files of a folder as bytes, and back into an empty one: only plain files, and within bounds."""

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

LONGEST = 32 * 1024 * 1024
"""Bytes of a bundle. A folder that holds more is not kept."""

_MOST = 10_000
_DEEPEST = 100
"""Levels of folders whose files are kept."""

_BLOCK = 4 * 1024
"""What the archive needs for one file besides its content, with a name of common length."""


def bundled(folder: Path) -> bytes:
    """Every plain file in the folder, empty where there is none. Raises OSError, ValueError for too much."""
    files = list(_files(folder))
    if not files:
        return b""
    if len(files) > _MOST or sum(size + _BLOCK for _, size in files) > LONGEST:
        raise ValueError(f"{len(files)} files are more than is kept")
    written = io.BytesIO()
    # A file with two names is kept under both: as a link it would not come back.
    with tarfile.open(fileobj=written, mode="w", dereference=True) as archive:
        for path, _ in files:
            archive.add(path, path.relative_to(folder).as_posix(), recursive=False)
    return written.getvalue()


def unbundle(bundle: bytes, folder: Path) -> None:
    """Puts the files of a bundle into the empty folder, and none outside it. Raises OSError, ValueError."""
    if not bundle:
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None:
                    _write(folder / _inside(member.name), content.read(LONGEST), member.mode)
    except tarfile.TarError as error:
        raise ValueError(f"the kept files cannot be read: {error}") from error


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for parent, within, names in os.walk(folder):
        if len(Path(parent).relative_to(folder).parts) >= _DEEPEST:
            within.clear()
        for name in names:
            found = (path := Path(parent, name)).lstat()
            if stat.S_ISREG(found.st_mode):
                yield path, found.st_size


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not 0 < len(path.parts) <= _DEEPEST + 1:
        raise ValueError("a kept file lies outside its folder, or too deep in it")
    return path


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755 if mode & stat.S_IXUSR else 0o644)
