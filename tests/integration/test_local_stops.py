"""The local socket of a process that stops while it is asked something."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.local import LocalDoor, ask_running, socket_path
from bot.records import Record
from dispatch.errors import Unreachable


async def test_whoever_is_still_waiting_when_it_stops_is_told_that_it_does_not_answer(tmp_path: Path) -> None:
    heard = asyncio.Event()

    async def never(_: str, __: Mapping[str, str]) -> Record:
        heard.set()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    path = socket_path(tmp_path / "onequeue.db")
    door = LocalDoor(path, never)
    await door.open()
    waiting = asyncio.create_task(ask_running(path, "wait", {"task": "42"}))
    await heard.wait()
    await door.close()
    with pytest.raises(Unreachable, match="does not answer at"):
        await waiting
