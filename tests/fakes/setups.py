"""Setups that a test sees."""

from dataclasses import dataclass, field

from dispatch.errors import NoPlace
from dispatch.means import Project
from dispatch.ports import Place


@dataclass
class FakeSetups:
    """`ports.Setups` that notes each run, and fails with the words it was given."""

    fails: str = ""
    runs: list[tuple[str, Place]] = field(default_factory=list)

    async def run(self, project: Project, place: Place) -> None:
        """Nothing but the note."""
        self.runs.append((project.setup, place))
        if self.fails:
            raise NoPlace(self.fails)
