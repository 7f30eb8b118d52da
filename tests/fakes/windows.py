"""Where forms are opened, for nobody to see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.views.home import Home

Json = Mapping[str, Any]


@dataclass
class FakeWindows:
    """`windows.Windows` and `board.Tab` that note what was opened."""

    opened: list[Json] = field(default_factory=list)

    async def open_form(self, trigger: str, view: Json) -> None:
        self.opened.append(view)

    async def open_dm(self, person: str) -> str:
        return f"D{person[1:]}"

    async def publish(self, person: str, home: Home) -> None:
        raise AssertionError("nothing is shown here")


class NoForms:
    """`controls.Opening` where no test asks for a form."""

    async def open(self, task_id: int, person: str, trigger: str) -> str:
        raise AssertionError("no form is opened here")
