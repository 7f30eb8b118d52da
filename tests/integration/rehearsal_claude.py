"""A simulated Claude on a moved clock, and the real SDK pointed at it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from anthropic import AsyncAnthropic

from bot.rehearsal.claude import SIMULATED_KEY, ClaudeSim

MODEL = "claude-haiku-5-5"


class MovedClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, step: timedelta) -> None:
        self.at += step


@asynccontextmanager
async def claude(clock: MovedClock | None = None, pace: float = 0.0) -> AsyncIterator[ClaudeSim]:
    """A running simulator. Closed at the end, with every stream still open."""
    sim = ClaudeSim(now=clock or MovedClock(), pace=pace)
    await sim.start()
    try:
        yield sim
    finally:
        await sim.close()


@asynccontextmanager
async def sdk(
    sim: ClaudeSim, key: str = SIMULATED_KEY, seconds: float = 10.0
) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=sim.url, api_key=key, max_retries=0, timeout=seconds) as client:
        yield client


async def ask(client: AsyncAnthropic, words: str = "investigate stall", model: str = MODEL) -> str:
    """Streams one answer and returns its text."""
    async with client.messages.stream(
        model=model, max_tokens=4096, messages=[{"role": "user", "content": words}]
    ) as stream:
        return "".join([text async for text in stream.text_stream])
