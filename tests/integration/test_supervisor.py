"""What systemd is told, over a real datagram socket."""

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.supervisor import READY, STOPPING, Supervisor
from tests.fakes.clock import FakeClock


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    """A supervisor's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(address)
        line.setblocking(False)
        yield line


def told(line: socket.socket) -> list[str]:
    """Everything that has arrived."""
    found = []
    while True:
        try:
            found.append(line.recv(4096).decode())
        except BlockingIOError:
            return found


def test_states_arrive_together(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with listening(path) as line:
        supervisor = Supervisor({"NOTIFY_SOCKET": path})
        supervisor.tell(READY, "STATUS=ready")
        supervisor.tell(STOPPING)
        assert told(line) == ["READY=1\nSTATUS=ready", "STOPPING=1"]


def test_an_abstract_socket_is_reached() -> None:
    name = f"onequeue-test-{os.getpid()}"
    with listening(f"\0{name}") as line:
        Supervisor({"NOTIFY_SOCKET": f"@{name}"}).tell(READY)
        assert told(line) == [READY]


def test_without_a_socket_nobody_is_told_and_nothing_is_asked() -> None:
    supervisor = Supervisor({"WATCHDOG_USEC": "60000000"})
    supervisor.tell(READY)
    assert supervisor.watchdog is None


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_what_this_process_was_asked_for(asked: dict[str, str], seconds: int | None) -> None:
    found = Supervisor({"NOTIFY_SOCKET": "/nowhere", **asked}).watchdog
    assert found == (None if seconds is None else timedelta(seconds=seconds))


def test_what_cannot_be_sent_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    with caplog.at_level(logging.WARNING):
        supervisor.tell(READY)
        supervisor.tell(STOPPING)
    assert len(caplog.records) == 1


async def test_the_loop_says_twice_as_often_as_asked_that_it_turns(tmp_path: Path) -> None:
    path, clock = str(tmp_path / "notify"), FakeClock()
    with listening(path) as line:
        supervisor = Supervisor({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "60000000"})
        async with supervisor.kept_informed(clock):
            for _ in range(3):
                async with asyncio.timeout(10):
                    while not clock.sleeping:
                        await asyncio.get_running_loop().run_in_executor(None, os.getpid)
                assert told(line) == ["WATCHDOG=1"]
                clock.advance(timedelta(seconds=29))
                assert clock.sleeping
                clock.advance(timedelta(seconds=1))
        assert clock.sleeping == 0
