"""What everything goes to that arrives from Slack, put together before the queue."""

from dataclasses import dataclass

from bot.board import Board
from bot.building import Building
from bot.controls import Controls
from bot.directory import Directory
from bot.follow_ups import FollowUps
from bot.forms import Forms
from bot.guard import Guard, GuardedAlarms
from bot.intake import Intake
from bot.manifest import manifest
from bot.overview import Overview
from bot.ports import Identity
from bot.presence import Presence
from bot.rights import TeamRights


@dataclass(frozen=True, slots=True)
class Doors:
    """Who takes what arrives; `board` keeps Homes fresh and `presence` what Slack shows, while entered."""

    intake: Intake
    controls: Controls
    board: Board
    forms: Forms
    follow_ups: FollowUps
    presence: Presence


def doors(building: Building, me: Identity) -> Doors:
    """All doors of a queue, behind one guard."""
    settings, store, chat, clock = building.settings, building.store, building.chat, building.clock
    outbox, notifier, table = store.outbox, building.courier, settings.table
    directory = Directory(chat, me.team, clock)
    rights = TeamRights(settings.rules, directory, table)
    desk, alarms = Guard(building.dispatcher, rights, table), GuardedAlarms(building.watch, rights)
    intake = Intake(
        desk,
        building.books,
        outbox,
        notifier,
        chat,
        clock,
        me,
        settings.zone,
        settings.priority_in,
        rights,
        building.scripts,
        settings.steers_in,
        settings.secrets,
    )
    follow_ups = FollowUps(intake, desk, chat, table)
    controls = Controls(desk, outbox, notifier, alarms, clock, table, follow_ups)
    overview = Overview(
        desk,
        building.books,
        rights,
        directory,
        chat,
        building.terms,
        settings.default_priority,
        settings.secrets,
    )
    prompts = manifest()["features"]["agent_view"]["suggested_prompts"]
    return Doors(
        intake,
        controls,
        Board(overview, controls, chat, clock),
        Forms(intake, chat, table, sorted(settings.projects)),
        follow_ups,
        Presence(intake, store.queue, chat, clock, prompts),
    )
