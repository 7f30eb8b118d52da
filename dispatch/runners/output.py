"""What a command says, kept within bounds."""

FIRST_BYTES = 6_000
LAST_BYTES = 14_000
"""So much of a longer output is kept: its beginning and its end, in whole lines where it has any."""


class Output:
    """Takes bytes and keeps the first and the last of them. What is left out between is counted."""

    def __init__(self) -> None:
        self._first = bytearray()
        self._last = bytearray()
        self._size = 0

    def add(self, said: bytes) -> None:
        """Takes what was said next."""
        room = FIRST_BYTES - len(self._first)
        self._size += len(said)
        self._first += said[:room]
        self._last += said[room:]
        del self._last[:-LAST_BYTES]

    @property
    def text(self) -> str:
        """What was said, or its first and last part with a line between that says how much is missing."""
        if self._size <= FIRST_BYTES + LAST_BYTES:
            return (self._first + self._last).decode("utf-8", "replace")
        first = self._first[: self._first.rfind(b"\n") + 1] or self._first
        last = self._last[self._last.find(b"\n") + 1 :] or self._last
        missing = self._size - len(first) - len(last)
        between = f"\n… {missing:,} bytes left out …\n"
        return first.decode("utf-8", "replace").rstrip("\n") + between + last.decode("utf-8", "replace")
