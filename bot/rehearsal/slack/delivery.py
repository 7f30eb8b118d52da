"""Socket Mode from Slack's side: one socket per envelope, three seconds to acknowledge, three retries."""

import asyncio
import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.rehearsal.slack.state import Envelope, Json, State

RETRY_SECONDS = (0.0, 60.0, 300.0)


class Line(Protocol):
    """An open socket to the app."""

    async def send_str(self, data: str) -> None: ...


@dataclass(order=True, slots=True)
class _Retry:
    due: datetime
    n: int
    type: str = field(compare=False)
    payload: Json = field(compare=False)
    attempt: int = field(compare=False)


class Delivery:
    """Sends envelopes and waits for their acknowledgements.

    Events are sent again after a timeout, at once, after 60 s and after 300 s by `now`; commands and
    clicks never are. With no socket open an envelope is dropped, and a retry that finds none ends there.
    """

    def __init__(self, state: State, now: Callable[[], datetime], ack_seconds: float) -> None:
        self._state = state
        self._now = now
        self._ack_seconds = ack_seconds
        self._lines: list[Line] = []
        self._turn = 0
        self._numbers = itertools.count(1)
        self._pending: dict[str, tuple[Envelope, float, asyncio.TimerHandle]] = {}
        self._retries: list[_Retry] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self.copies_due = 0
        """How many of the next envelopes are delivered twice."""

    def join(self, line: Line) -> None:
        self._lines.append(line)
        self._count()

    def leave(self, line: Line) -> None:
        if line in self._lines:
            self._lines.remove(line)
            self._count()

    def _count(self) -> None:
        self._state.sockets = len(self._lines)
        self._state.touch()

    def send(self, kind: str, payload: Json) -> Envelope:
        """Sends once, or twice while copies are due; returns the first envelope."""
        first = self._send(kind, payload, 0)
        if self.copies_due > 0:
            self.copies_due -= 1
            self._send(kind, payload, 0)
        return first

    async def answer(self, envelope: Envelope) -> Envelope:
        """Waits until the envelope is acknowledged, timed out or dropped."""
        await self._state.until(lambda _: envelope.state != "sent")
        return envelope

    def acknowledge(self, envelope_id: str, payload: Json | None) -> None:
        """Takes an acknowledgement; one that is late or unknown changes nothing."""
        pending = self._pending.pop(envelope_id, None)
        if pending is None:
            return
        envelope, sent, timer = pending
        timer.cancel()
        envelope.state = "acked"
        envelope.ms = round((asyncio.get_running_loop().time() - sent) * 1000)
        envelope.ack = payload
        self._state.touch()

    def refuse(self, envelope_id: str) -> None:
        """Takes an answer that is no acknowledgement; one that is late or unknown changes nothing."""
        if envelope_id in self._pending:
            self._pending[envelope_id][2].cancel()
            self._give_up(envelope_id)

    def tick(self) -> None:
        """Sends every retry that is due by `now`; call it after moving a clock by hand."""
        while self._retries and self._retries[0].due <= self._now():
            retry = heapq.heappop(self._retries)
            self._send(retry.type, retry.payload, retry.attempt)
        self._set_alarm()

    def close(self) -> None:
        for envelope, _, timer in self._pending.values():
            timer.cancel()
            envelope.state = "timeout"
        for task in self._sending:
            task.cancel()
        if self._alarm is not None:
            self._alarm.cancel()
        self._pending.clear()
        self._retries.clear()
        self._state.touch()

    def _send(self, kind: str, payload: Json, attempt: int) -> Envelope:
        n = next(self._numbers)
        envelope = Envelope(n, self._now(), kind, f"env-{n:06d}", payload, retry_attempt=attempt)
        self._state.envelopes.append(envelope)
        if not self._lines:
            envelope.state = "dropped"
        else:
            self._turn += 1
            self._put(self._lines[self._turn % len(self._lines)], envelope)
        self._state.touch()
        return envelope

    def _put(self, line: Line, envelope: Envelope) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._ack_seconds, self._give_up, envelope.id)
        self._pending[envelope.id] = (envelope, loop.time(), timer)
        task = loop.create_task(_write(line, _frame(envelope)))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _give_up(self, envelope_id: str) -> None:
        envelope, _, _ = self._pending.pop(envelope_id)
        envelope.state = "timeout"
        self._state.touch()
        if envelope.type == "events_api" and envelope.retry_attempt < len(RETRY_SECONDS):
            due = self._now() + timedelta(seconds=RETRY_SECONDS[envelope.retry_attempt])
            retry = _Retry(due, envelope.n, envelope.type, envelope.payload, envelope.retry_attempt + 1)
            heapq.heappush(self._retries, retry)
            self.tick()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._retries:
            wait = (self._retries[0].due - self._now()).total_seconds()
            self._alarm = asyncio.get_running_loop().call_later(max(wait, 0.05), self.tick)


def _frame(envelope: Envelope) -> str:
    frame: Json = {
        "envelope_id": envelope.id,
        "type": envelope.type,
        "payload": envelope.payload,
        "accepts_response_payload": envelope.type == "slash_commands"
        or envelope.payload.get("type") == "view_submission",
    }
    if envelope.type == "events_api":
        frame["retry_attempt"] = envelope.retry_attempt
        frame["retry_reason"] = "timeout" if envelope.retry_attempt else ""
    return json.dumps(frame)


async def _write(line: Line, text: str) -> None:
    try:
        await line.send_str(text)
    except ConnectionError:
        return
