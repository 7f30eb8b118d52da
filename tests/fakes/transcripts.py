"""Transcripts and a recorder that keep what they are given in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dispatch.errors import LeaseLost
from dispatch.transcript import Entry, Kind


@dataclass
class FakeRecorder:
    """`ports.Recorder` that keeps everything as it was told."""

    told: list[tuple[str, Kind, str]] = field(default_factory=list)

    def add(self, who: str, kind: Kind, text: str) -> None:
        """Keeps it."""
        self.told.append((who, kind, text))


@dataclass
class FakeTranscripts:
    """`ports.Transcripts` of the attempts that are `running`.

    Each of `errors` is raised once before anything is stored, or after it where `late`. `sizes` holds how
    many entries came at a time.
    """

    running: set[tuple[int, int]] = field(default_factory=lambda: {(1, 1)})
    errors: list[Exception] = field(default_factory=list)
    late: bool = False
    sizes: list[int] = field(default_factory=list)
    stored: dict[tuple[int, int], dict[int, Entry]] = field(default_factory=dict)

    async def append(self, task_id: int, attempt: int, first: int, entries: Sequence[Entry]) -> None:
        """Stores them under numbers that are free."""
        if self.errors and not self.late:
            raise self.errors.pop(0)
        if (task_id, attempt) not in self.running:
            raise LeaseLost(f"Attempt {attempt} of #{task_id} no longer owns it.")
        rows = self.stored.setdefault((task_id, attempt), {})
        for number, entry in enumerate(entries, first):
            rows.setdefault(number, entry)
        self.sizes.append(len(entries))
        if self.errors:
            raise self.errors.pop(0)

    async def entries(self, task_id: int, attempt: int, after: int, limit: int) -> Sequence[Entry]:
        """Those behind that number."""
        rows = self.stored.get((task_id, attempt), {})
        return [rows[number] for number in sorted(rows) if number > after][:limit]
