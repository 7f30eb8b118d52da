"""The tools of a session lead back to its own task and to nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.ports import Tool
from dispatch.task import Claim
from tests.integration.gateway_room import GatewayRoom, gateway_room

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[GatewayRoom]:
    async with gateway_room(tmp_path, NOWHERE, "sk-ant-unused") as opened:
        yield opened


@pytest.fixture
async def claim(room: GatewayRoom) -> Claim:
    return await room.claim()


@pytest.fixture
async def tools(room: GatewayRoom, claim: Claim) -> AsyncIterator[dict[str, Tool]]:
    async with room.gateway.admit(claim) as access:
        yield {tool.name: tool for tool in access.tools}


async def progress_of(room: GatewayRoom, claim: Claim) -> str:
    return (await room.store.queue.attempts(claim.task.id))[-1].progress


def test_they_are_those_that_need_nobody_who_waits(tools: dict[str, Tool]) -> None:
    assert set(tools) == {"progress", "follow_up", "upgrade"}
    assert all(tool.schema["type"] == "object" and tool.description for tool in tools.values())


async def test_progress_is_one_short_line(room: GatewayRoom, claim: Claim, tools: dict[str, Tool]) -> None:
    assert await tools["progress"].call({"text": "reading\n\n  14   files\t"}) == "Noted."
    assert await progress_of(room, claim) == "reading 14 files"
    await tools["progress"].call({"text": "x" * 1000})
    assert await progress_of(room, claim) == "x" * 200


async def test_the_runners_own_words_are_known_as_such(room: GatewayRoom, claim: Claim) -> None:
    async with room.gateway.admit(claim) as access:
        assert access.tell is not None
        await access.tell("reading 3 files")
        progress = next(tool for tool in access.tools if tool.name == "progress")
        await progress.call({"text": "reading salaries.txt"})
    (attempt,) = await room.store.queue.attempts(claim.task.id)
    assert (attempt.progress, attempt.doing) == ("reading salaries.txt", "reading 3 files")
    await room.store.queue.recover(room.clock.now())
    await access.tell("too late")
    (attempt,) = await room.store.queue.attempts(claim.task.id)
    assert attempt.doing == "reading 3 files", "an attempt that is over is told of no more"


@pytest.mark.parametrize("given", [{}, {"text": ""}, {"text": " \n "}, {"text": 7}, {"text": None}])
async def test_progress_without_text_is_not_noted(
    room: GatewayRoom, claim: Claim, tools: dict[str, Tool], given: dict[str, object]
) -> None:
    assert (await tools["progress"].call(given)).startswith("Not noted")
    assert await progress_of(room, claim) == ""


@pytest.mark.parametrize("priority", [None, 1, 10, 99])
async def test_a_follow_up_is_asked_of_the_dispatcher(
    room: GatewayRoom, claim: Claim, tools: dict[str, Tool], priority: int | None
) -> None:
    given = {"text": " clean up the mess "} | ({} if priority is None else {"priority": priority})
    assert await tools["follow_up"].call(given) == "Queued as #7."
    assert room.follow_ups == [(claim.task.id, "clean up the mess", priority)]


@pytest.mark.parametrize("priority", ["3", 3.0, True, [3]])
async def test_a_priority_that_is_no_number_queues_nothing(
    room: GatewayRoom, tools: dict[str, Tool], priority: object
) -> None:
    given = {"text": "clean up", "priority": priority}
    assert (await tools["follow_up"].call(given)).startswith("Not queued")
    assert room.follow_ups == []


async def test_a_store_that_fails_is_words_to_the_model(room: GatewayRoom, tools: dict[str, Tool]) -> None:
    await room.store.close()
    assert (await tools["progress"].call({"text": "still here"})).startswith("This did not work: ")
