"""Runs one command in a fresh directory and ends all that it has started. A program: keeper.py COMMAND...

All is ended when the command ends and when standard input does. Whoever wants the command to run holds that
open, so that it never outlives them, however they end. What the command says goes to standard output, both
streams in one; how it ended goes to standard error as one line of JSON. The exit status says nothing.

On Linux whatever loses its parent becomes a child of this process, in whatever session or environment it
hides, and is ended with the rest. Elsewhere only the command's process group is.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

PR_SET_CHILD_SUBREAPER = 36

_ENDED_BY = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LOOK_AGAIN = 0.005


def main(command: Sequence[str]) -> None:
    """Runs the command until it ends or is not wanted any more."""
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("this kernel lets orphans go: Linux 3.4 or newer is needed")
    folder = tempfile.mkdtemp(prefix="onequeue-script-")
    try:
        told = _run(command, folder, _signals())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(json.dumps(told) + "\n")


def _signals() -> int:
    """A file that can be read when a child has ended or this process is to end: each byte is a signal."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGCHLD, *_ENDED_BY):
        signal.signal(number, lambda *_: None)
    return reading


def _run(command: Sequence[str], folder: str, signals: int) -> dict[str, object]:
    try:
        child = subprocess.Popen(  # noqa: S603
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return {"error": error.strerror or str(error)}
    ended = _wait(child.pid, signals)
    _end_all(child.pid)
    child.returncode = ended or 0
    if ended is None:
        return {"error": "it was stopped"}
    return {"signal": -ended} if ended < 0 else {"exit": ended}


def _wait(pid: int, signals: int) -> int | None:
    """The command's exit status, the negative number of the signal that ended it, or None if unwanted."""
    stdin = sys.stdin.fileno()
    while True:
        ready, _, _ = select.select([stdin, signals], [], [])
        if signals in ready:
            arrived = os.read(signals, 512)
            if (status := _reaped().get(pid)) is not None:
                return os.waitstatus_to_exitcode(status)
            if any(number in arrived for number in _ENDED_BY):
                return None
        if stdin in ready and not os.read(stdin, 512):
            return None


def _end_all(group: int) -> None:
    if sys.platform != "linux":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        return
    # Every descendant has an ancestor among the children: with no child left, there is none left at all.
    while _has_children():
        _stop_all()
        _send(_descendants(), signal.SIGKILL)
        select.select([], [], [], _LOOK_AGAIN)


def _stop_all() -> None:
    """Stops every descendant first: one that saw its child killed would go on to its next step."""
    stopped: set[int] = set()
    while new := _descendants() - stopped:
        _send(new, signal.SIGSTOP)
        stopped |= new


def _send(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _reaped() -> dict[int, int]:
    """The children that have ended, and how."""
    found: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found[ended[0]] = ended[1]
    return found


def _has_children() -> bool:
    _reaped()
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def _descendants() -> set[int]:
    parents: dict[int, int] = {}
    for name in [entry.name for entry in os.scandir("/proc") if entry.name.isdigit()]:
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
            parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    found: set[int] = set()
    newest = {os.getpid()}
    while newest:
        newest = {pid for pid, parent in parents.items() if parent in newest} - found
        found |= newest
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
