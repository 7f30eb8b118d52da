"""A front room whose app takes forms as well, so that a person can come in every way there is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.access import Rules
from bot.app import Sockets, build
from bot.forms import Forms
from bot.presence import Presence
from bot.rehearsal.slack import SlackSim
from dispatch.routing import DEFAULT_TABLE
from dispatch.task import Task
from tests.fakes.clock import FakeClock
from tests.fakes.desk import StoreDesk
from tests.integration.front_room import RULES, CountingNotifier, make_controls, make_intake, make_rights
from tests.integration.post_room import Room, post_room
from tests.integration.rehearsal_slack import MANIFEST

PROMPTS = MANIFEST["features"]["agent_view"]["suggested_prompts"]


@dataclass
class Ways:
    """A room with every way in open."""

    room: Room
    desk: StoreDesk
    forms: Forms
    presence: Presence

    @property
    def slack(self) -> SlackSim:
        return self.room.slack

    async def tasks(self) -> list[Task]:
        """The open tasks by number."""
        return sorted(await self.room.store.queue.open_tasks(100), key=lambda task: task.id)

    async def told(self, person: str = "ana") -> list[str]:
        """Delivers what is due, cards too, and returns what that person alone then sees."""
        await self.room.courier.send_due()
        return [message.text for message in self.slack.ephemerals(person)]


@asynccontextmanager
async def ways_room(folder: Path, rules: Rules = RULES) -> AsyncIterator[Ways]:
    async with post_room(folder) as room:
        desk, notifier = StoreDesk(room.store, room.clock), CountingNotifier()
        me = await room.chat.identity()
        rights = make_rights(room, me, rules)
        intake = make_intake(room, desk, notifier, me, rights)
        controls = make_controls(room, desk, notifier, None, rights)
        forms = Forms(intake, room.chat, DEFAULT_TABLE, ["payments", "website"])
        presence = Presence(intake, room.store.queue, room.chat, room.clock, PROMPTS)
        slack, app = room.slack, build(intake, controls, me, forms=forms, presence=presence)
        async with Sockets(app, slack.app_token, slack.api_url, FakeClock(), ping=0.2):
            await slack.wait_for(lambda state: state.sockets == 2)
            yield Ways(room, desk, forms, presence)
