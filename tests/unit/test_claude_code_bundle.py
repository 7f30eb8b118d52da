"""The files of a folder, kept and put back, and that nothing lands outside it."""

import io
import tarfile
from pathlib import Path

import pytest

from dispatch.removal import remove
from dispatch.runners.claude_code.bundle import LONGEST, bundled, unbundle
from tests.unit.test_removal import dig


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def archive(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as made:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, link, 1 if kind == tarfile.REGTYPE else 0
        made.addfile(member, io.BytesIO(b"x"))
    return written.getvalue()


def test_plain_files_come_back_and_nothing_else(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one"), folder(tmp_path / "other")
    (one / "deep" / "er").mkdir(parents=True)
    (one / "deep" / "er" / "run.sh").write_text("echo\n")
    (one / "deep" / "er" / "run.sh").chmod(0o755)
    (one / "data.csv").write_bytes(b"\0\1")
    (one / "link").symlink_to("/etc/passwd")
    unbundle(bundled(one), other)
    assert sorted(str(path.relative_to(other)) for path in other.rglob("*") if path.is_file()) == [
        "data.csv",
        "deep/er/run.sh",
    ]
    assert (other / "data.csv").read_bytes() == b"\0\1"
    assert (other / "deep" / "er" / "run.sh").stat().st_mode & 0o777 == 0o755


def test_an_empty_folder_needs_no_bundle_and_too_large_a_one_has_none(tmp_path: Path) -> None:
    assert bundled(tmp_path) == b""
    unbundle(b"", tmp_path)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(LONGEST)
    with pytest.raises(ValueError, match="more than is kept"):
        bundled(tmp_path)


@pytest.mark.parametrize("bundle", [archive("../x"), archive("/x"), archive("a/../../x"), b"nonsense"])
def test_what_would_lie_outside_or_is_no_bundle_is_refused(tmp_path: Path, bundle: bytes) -> None:
    with pytest.raises(ValueError, match="kept file"):
        unbundle(bundle, folder(tmp_path / "in"))
    assert [path.name for path in tmp_path.rglob("*")] == ["in"]


def test_a_file_with_two_names_comes_back_under_both(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one"), folder(tmp_path / "other")
    (one / "a").write_text("x")
    (one / "b").hardlink_to(one / "a")
    unbundle(bundled(one), other)
    assert [(other / name).read_text() for name in "ab"] == ["x", "x"]


def test_what_lies_deeper_than_paths_lead_is_left_and_the_rest_kept(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one"), folder(tmp_path / "other")
    dig(one / "dug", 3_000)
    (one / "a").write_text("x")
    unbundle(bundled(one), other)
    assert [path.name for path in other.iterdir()] == ["a"]
    remove(one)
    with pytest.raises(ValueError, match="too deep"):
        unbundle(archive("d/" * 1_500 + "x"), other)


def test_links_and_devices_are_not_made(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        unbundle(archive("x", kind, "/etc/passwd"), tmp_path)
    assert list(tmp_path.iterdir()) == []
