"""A session on a project keeps its place, also where it is cut while it closes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.means import Means, Project
from dispatch.ports import Access, Place, Session
from dispatch.runners.placed import Placed
from dispatch.task import Outcome, Resumed, Verdict

ASKED = Outcome(Verdict.ASKED, conversation=b"said so far")


class OnePlace:
    """`ports.Places` with one place; `records` are those it was opened with."""

    def __init__(self) -> None:
        self.records: list[str] = []

    @asynccontextmanager
    async def open(self, session: Session, record: str = "") -> AsyncIterator[Place]:
        self.records.append(record)
        yield Place(Path("here"), record="the place")


@dataclass
class Asking:
    """`ports.Runner` whose session asks; `cut` breaks off what closes it."""

    cut: bool = False

    async def run(self, session: Session) -> Outcome:
        if self.cut:
            session.draft.outcome = ASKED
            raise asyncio.CancelledError
        return ASKED


@pytest.mark.parametrize("cut", [False, True])
async def test_what_waits_for_an_answer_goes_on_in_its_place(cut: bool) -> None:
    places, means = OnePlace(), Means(project=Project("payments", Path("payments")))
    session = Session(1, 1, "m", "low", 8000, timedelta(minutes=5), "x", Access("", "", ()), means=means)
    with suppress(asyncio.CancelledError):
        await Placed(Asking(cut), places).run(session)
    asked = session.draft.ended
    assert asked is not None
    assert asked.conversation is not None
    again = replace(session, resumed=Resumed(asked.conversation, "yes"))
    await Placed(Asking(), places).run(again)
    assert places.records == ["", "the place"]
