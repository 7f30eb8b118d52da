"""Folders as strangers leave them: deep, shut, and full of links."""

import os
import subprocess
import sys
from pathlib import Path

from dispatch.removal import remove

WITHOUT_PRIVILEGE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Runs a command of root as one whom permissions hold."""


def dig(folder: Path, levels: int) -> None:
    """Makes folders in one another, as far down as no path leads."""
    folder.mkdir(parents=True)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("deeper", dir_fd=here)
        below = os.open("deeper", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("bottom", os.O_CREAT, dir_fd=here))
    os.close(here)


def test_a_folder_is_removed_however_deep_it_goes(tmp_path: Path) -> None:
    dig(tmp_path / "run", 3_000)
    (tmp_path / "run" / "file").touch()
    remove(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_removed_that_nobody_may_write_to_or_read(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "module" / "cache").mkdir(parents=True)
    (run / "module" / "cache" / "file").touch()
    (run / "shut").mkdir()
    (run / "shut" / "file").touch()
    for folder, mode in ((run / "module" / "cache", 0o555), (run / "module", 0o555), (run / "shut", 0)):
        folder.chmod(mode)
    program = f"from pathlib import Path; from dispatch.removal import remove; remove(Path({str(run)!r}))"
    held = WITHOUT_PRIVILEGE if os.geteuid() == 0 else ()
    subprocess.run([*held, sys.executable, "-c", program], check=True)
    assert list(tmp_path.iterdir()) == []


def test_what_a_link_leads_to_stays(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "folder").mkdir(parents=True)
    (kept / "folder" / "file").touch()
    run = tmp_path / "run"
    (run / "in").mkdir(parents=True)
    (run / "link").symlink_to(kept)
    (run / "in" / "link").symlink_to(kept / "folder")
    remove(run)
    (tmp_path / "run").symlink_to(kept)
    remove(tmp_path / "run")
    remove(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == [kept]
    assert (kept / "folder" / "file").exists()
