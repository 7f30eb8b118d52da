"""The queue with Slack beside it, put together on real adapters."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bot.app import LINES
from bot.attached import SlackFiles
from bot.bulletins import Bulletins
from bot.chat import SlackChat
from bot.config import Settings
from bot.courier import Courier
from bot.crier import Crier, LogAlone
from bot.freshness import EVERY, Freshness
from bot.letters import Letters
from bot.postman import Postman
from bot.previewing import Previewing
from bot.quotes import ThreadQuotes
from bot.streamed import Streamed
from bot.voice import Voice
from bot.works import SECOND, Reach, Works, end, terms_of
from dispatch.forecaster import Forecaster
from dispatch.ports import Clock, Runner
from dispatch.schedule import Tick
from dispatch.store import Store


class Building(Works):
    """The queue, what runs it, and all that leads to people in Slack and back."""

    def __init__(self, settings: Settings, store: Store, chat: SlackChat, clock: Clock) -> None:
        self.chat = chat
        terms = terms_of(settings)
        letters = Letters(
            store.queue, store.gates, chat, lambda due: self.bulletins.of(due), terms, settings.secrets
        )
        self.previewing = previewing = Previewing(store.previews, store.queue, chat, clock)
        postman = Postman(letters, store.outbox, store.queue, chat, previewing, clock)
        self.courier = Courier(store.outbox, store.queue, chat, postman, clock)
        forecaster = Forecaster(store.queue, store.gates, terms)
        self.freshness = Freshness(store.queue, forecaster, letters.shown, self.courier, clock, terms)

        def shown(runner: Runner) -> Runner:
            streams = settings.slack.stream
            return Streamed(runner, previewing, clock, settings.secrets) if streams else runner

        channel = terms.operators_channel
        reach = Reach(
            self.courier,
            ThreadQuotes(chat),
            SlackFiles(chat),
            shown,
            Crier(chat, store.queue, clock, channel) if channel else LogAlone(clock),
            Voice(chat, clock),
            1 if settings.slack.http else LINES,
        )
        super().__init__(settings, store, clock, terms, reach)
        self.bulletins = Bulletins(self.books, chat, terms, settings.operators.channel, settings.secrets)

    def ticks(self) -> Sequence[Tick]:
        """What is done again and again, and how often."""
        return [
            *super().ticks(),
            Tick("previews", SECOND, self.previewing.tidy),
            Tick("places", EVERY.total_seconds(), self.freshness.refresh),
            Tick("digest", 30 * SECOND, self.books.tell_digest),
        ]

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """The courier is on its way meanwhile, and gives what is due at the end a last try."""
        courier = asyncio.create_task(self.courier.run(), name="courier")
        try:
            yield
        finally:
            await end(courier)
