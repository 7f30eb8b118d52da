"""Failures on order: the next calls of a method go wrong in a chosen way."""

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Literal, get_args

FaultKind = Literal["error", "429", "500", "timeout", "reset"]


@dataclass(frozen=True, slots=True)
class Fault:
    """`reset` lets the call take effect and then cuts the connection; the others do nothing but fail."""

    kind: FaultKind
    error: str = "internal_error"
    retry_after: int = 1


class Faults:
    """A queue of faults for each method."""

    def __init__(self) -> None:
        self._due: dict[str, deque[Fault]] = defaultdict(deque)

    def add(self, method: str, fault: Fault, times: int) -> None:
        """Raises ValueError for a kind that does not exist or a count below 1."""
        if fault.kind not in get_args(FaultKind):
            raise ValueError(f"kind is one of {', '.join(get_args(FaultKind))}")
        if times < 1:
            raise ValueError("times is at least 1")
        self._due[method].extend([fault] * times)

    def clear(self) -> None:
        """Forgets every failure still to come."""
        self._due.clear()

    def take(self, method: str) -> Fault | None:
        due = self._due.get(method)
        return due.popleft() if due else None
