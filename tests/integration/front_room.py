"""What the intake's tests share: the real Bolt app between a simulated Slack and a real store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.access import Role, Rules
from bot.app import Sockets, build
from bot.controls import Controls
from bot.directory import Directory
from bot.guard import Guard, GuardedAlarms
from bot.intake import Intake
from bot.ports import Identity
from bot.rehearsal.slack import SlackSim
from bot.rights import TeamRights
from dispatch.routing import DEFAULT_TABLE
from dispatch.store import Store
from dispatch.task import Task
from tests.fakes.clock import FakeClock
from tests.fakes.desk import StoreDesk
from tests.fakes.windows import NoForms
from tests.integration.post_room import SAM, Room, post_room

PRIORITIES = {"CPAY00001": 2}
"""The priority of requests that name none, by channel; 5 elsewhere."""


class CountingNotifier:
    """`ports.Notifier` that counts."""

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


class FakeAlarms:
    """`ports.Alarms` that notes who acknowledged what."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[str, str]] = []

    async def acknowledge(self, key: str, person: str) -> str:
        self.acknowledged.append((key, person))
        return "You look after it."


RULES = Rules(roles={Role.OPERATOR: frozenset({SAM})}, guests=True)
"""Sam alone keeps it running, and kim, a guest, is let in."""


def make_rights(room: Room, me: Identity, rules: Rules = RULES) -> TeamRights:
    """Who may do what in a room."""
    return TeamRights(rules, Directory(room.chat, me.team, room.clock), DEFAULT_TABLE)


@dataclass
class Front:
    """A room with its front door open."""

    room: Room
    desk: StoreDesk
    notifier: CountingNotifier
    intake: Intake
    controls: Controls
    alarms: FakeAlarms
    sockets: Sockets
    rights: TeamRights
    clock: FakeClock
    """The clock of the sockets' watchdog."""

    @property
    def slack(self) -> SlackSim:
        return self.room.slack

    @property
    def store(self) -> Store:
        return self.room.store

    async def tasks(self) -> list[Task]:
        """The open tasks by number."""
        return sorted(await self.store.queue.open_tasks(100), key=lambda task: task.id)

    async def quiet(self) -> None:
        """Returns once every envelope has met its fate."""
        await self.slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))

    async def told(self) -> list[str]:
        """Delivers what is due, cards too, and returns what ana alone then sees besides."""
        await self.room.courier.send_due()
        return [message.text for message in self.slack.ephemerals("ana")]


def make_intake(
    room: Room, desk: StoreDesk, notifier: CountingNotifier, me: Identity, rights: TeamRights
) -> Intake:
    """The intake of a room."""
    return Intake(
        Guard(desk, rights, DEFAULT_TABLE),
        desk,
        room.store.outbox,
        notifier,
        room.chat,
        room.clock,
        me,
        ZoneInfo("Europe/Berlin"),
        lambda channel: PRIORITIES.get(channel, 5),
        rights,
    )


def make_controls(
    room: Room, desk: StoreDesk, notifier: CountingNotifier, alarms: FakeAlarms | None, rights: TeamRights
) -> Controls:
    """The controls of a room."""
    guard = Guard(desk, rights, DEFAULT_TABLE)
    guarded = GuardedAlarms(alarms, rights) if alarms else None
    return Controls(guard, room.store.outbox, notifier, guarded, room.clock, DEFAULT_TABLE, NoForms())


@asynccontextmanager
async def front_room(folder: Path) -> AsyncIterator[Front]:
    async with post_room(folder) as room:
        desk, notifier, clock = StoreDesk(room.store, room.clock), CountingNotifier(), FakeClock()
        me, alarms = await room.chat.identity(), FakeAlarms()
        rights = make_rights(room, me)
        intake = make_intake(room, desk, notifier, me, rights)
        controls = make_controls(room, desk, notifier, alarms, rights)
        slack, app = room.slack, build(intake, controls, me)
        async with Sockets(app, slack.app_token, slack.api_url, clock, ping=0.2) as sockets:
            await slack.wait_for(lambda state: state.sockets == 2)
            yield Front(room, desk, notifier, intake, controls, alarms, sockets, rights, clock)
