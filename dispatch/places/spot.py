"""What is noted of a worktree so that it can be made again. Pure."""

import json
import re
from dataclasses import asdict, dataclass

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Spot:
    """The name of a worktree's folder, its branch, and the commit that its first session began with."""

    home: str
    branch: str
    began: str

    @property
    def record(self) -> str:
        """All of it as text."""
        return json.dumps(asdict(self))


def spot_of(record: str, task_id: int, project: str) -> Spot | None:
    """What was noted for that task on that project; None where the text is anything else."""
    try:
        told = json.loads(record)
        spot = Spot(told["home"], told["branch"], told["began"])
        known = (
            re.fullmatch(rf"{re.escape(project)}-{task_id}-[0-9]+", spot.home)
            and re.fullmatch(rf"onequeue/{task_id}(-[0-9]+)?", spot.branch)
            and _COMMIT.fullmatch(spot.began)
        )
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return spot if known else None
