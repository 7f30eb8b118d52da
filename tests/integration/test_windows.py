"""Whether a form is open in time."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.ports import NoAnswer, Refused
from bot.windows import latest, opened


class Answering:
    """`windows.Windows` that ends as it is told; without an ending it never does."""

    def __init__(self, *endings: Exception | None) -> None:
        self._endings = list(endings)

    async def open_form(self, trigger: str, view: Mapping[str, Any]) -> None:
        if not self._endings:
            await asyncio.Event().wait()
        if ending := self._endings.pop():
            raise ending

    async def open_dm(self, person: str) -> str:
        raise AssertionError("nobody is written to here")


@pytest.mark.parametrize(
    ("ending", "is_open"),
    [
        (None, True),
        (Refused("exchanged_trigger_id"), True),
        (Refused("expired_trigger_id"), False),
        (NoAnswer("it is down", in_doubt=True), False),
        (ValueError("a defect"), False),
    ],
)
async def test_a_form_is_open_where_slack_says_so_also_the_second_time(
    ending: Exception | None, is_open: bool
) -> None:
    assert await opened(Answering(ending), "1.1.a", {}, latest()) is is_open


async def test_nobody_waits_longer_than_the_trigger_lasts() -> None:
    async with asyncio.timeout(5):
        assert await opened(Answering(), "1.1.a", {}, asyncio.get_running_loop().time() + 0.01) is False
