"""A jail around a whole session, made with bubblewrap: what is in it, and whether this machine has it."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dispatch.runners.claude_code.files import FOLDER

API_PORT, TOOLS_PORT, PROXY_PORT = 8101, 8102, 8103
"""Where the session finds the gateway, its tools and the way out, on the loopback of its own network."""

PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
TEMP = Path("/tmp")  # noqa: S108
"""Where the session has its temporary files, inside."""

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "debian_version",
    "host.conf",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "pki",
    "protocols",
    "services",
    "ssl",
    "timezone",
)
_USER = "1000"
_WRITTEN = {
    "passwd": f"agent:x:{_USER}:{_USER}::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    "group": f"agent:x:{_USER}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost onequeue\n",
}
_DOORS = "/run/onequeue"
_PROBE_SECONDS = 10.0


class Level(StrEnum):
    """How well sessions are shut in here."""

    WHOLE = "jail with a sandbox"
    NESTED = "jail with a weaker sandbox"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Isolation:
    """What this machine can do to shut sessions in, in words for operators."""

    level: Level
    words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What one session sees of the machine beside the system's programs.

    `run` and `place` are its own; `repo` and `program` it may read. `doors` is the folder with the
    sockets that lead out, by the port at which each is found inside, and the names that are known there.
    """

    run: Path
    place: Path
    program: Path | None
    doors: Path
    ports: dict[int, str]
    repo: Path | None = None


def furnish(doors: Path) -> None:
    """Makes the folder of doors, with the names that are known inside. Raises OSError."""
    doors.mkdir()
    for name, text in _WRITTEN.items():
        (doors / name).write_text(text)


def jailed(cell: Cell, command: Sequence[str]) -> list[str]:
    """The command inside the jail: own processes, own users, no network, dead with its parent."""
    relays = "".join(
        f"socat TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,backlog=64 UNIX-CONNECT:{_DOORS}/{name} & "
        for port, name in cell.ports.items()
    )
    return [
        *_walls(),
        # A short name for it: sockets are made there, and their names may not be long.
        *("--bind", str(cell.run / "tmp"), str(TEMP)),
        *(_bound("--ro-bind", cell.program) if cell.program else ()),
        *(_bound("--ro-bind", cell.repo) if cell.repo else ()),
        *_bound("--bind", cell.run),
        *(_bound("--ro-bind", cell.run / FOLDER) if (cell.run / FOLDER).is_dir() else ()),
        *_bound("--bind", cell.place),
        # The file by which git finds the repository is ours: what git is told by it, it does.
        *(_bound("--ro-bind", cell.place / ".git") if (cell.place / ".git").is_file() else ()),
        "--ro-bind",
        str(cell.doors),
        _DOORS,
        *(part for name in _WRITTEN for part in ("--ro-bind", str(cell.doors / name), f"/etc/{name}")),
        "--chdir",
        str(cell.place),
        "--",
        "/bin/sh",
        "-c",
        f'{relays}{_until_open(len(cell.ports))}exec "$@"',
        "sh",
        *command,
    ]


async def isolation() -> Isolation:
    """What this machine can do, tried out."""
    if missing := [name for name in ("bwrap", "socat") if shutil.which(name, path=":".join(PATH)) is None]:
        return Isolation(Level.NONE, f"{' and '.join(missing)} not found: install bubblewrap and socat")
    try:
        if not await _works([*_walls(), "--", "/bin/true"]):
            return Isolation(
                Level.NONE,
                "bwrap may not make a jail here: this kernel, container or service unit forbids it",
            )
        inner = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--", "/bin/true"]
        if await _works([*_walls(), "--", *inner]):
            return Isolation(Level.WHOLE, "each session in a jail, its commands in a sandbox inside it")
    except OSError as error:
        return Isolation(Level.NONE, f"bwrap does not run: {error.strerror}")
    return Isolation(
        Level.NESTED,
        "each session in a jail, its commands in a weaker sandbox inside it, which shares the jail's /proc",
    )


def _until_open(doors: int) -> str:
    """Waits, in shell and for seconds at most, until so many sockets listen inside."""
    listening = f"[ $(grep -c ' 0A ' /proc/net/tcp) -ge {doors} ]"
    return f"n=0; until {listening} || [ $n -ge 250 ]; do n=$((n + 1)); sleep 0.02; done; "


def _walls() -> list[str]:
    walls = ["bwrap", "--unshare-all", "--unshare-user", "--uid", _USER, "--gid", _USER]
    walls += ["--die-with-parent", "--hostname", "onequeue", "--cap-drop", "ALL"]
    for folder in map(Path, _SYSTEM):
        if folder.is_symlink():
            walls += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.exists():
            walls += ["--ro-bind", str(folder), str(folder)]
    for name in _ETC:
        walls += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return [*walls, "--proc", "/proc", "--dev", "/dev", "--tmpfs", str(TEMP), "--dir", "/var/tmp"]  # noqa: S108


def _bound(how: str, path: Path) -> tuple[str, str, str]:
    return how, str(path), str(path)


async def _works(command: Sequence[str]) -> bool:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": ":".join(PATH)},
    )
    try:
        return await asyncio.wait_for(process.wait(), _PROBE_SECONDS) == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
