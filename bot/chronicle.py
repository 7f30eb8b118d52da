"""What has happened to a task, told to whoever asks."""

from zoneinfo import ZoneInfo

from bot.ports import Desk, Rights
from bot.slacktext import escape
from bot.views.history import history
from dispatch.errors import NotFound


async def chronicle(desk: Desk, rights: Rights, task_id: int, zone: ZoneInfo) -> str:
    """All moves of a task in private words, with the names of those who made them. Raises StoreError."""
    try:
        task, _ = await desk.show(task_id)
        steps = await desk.history(task_id)
    except NotFound as error:
        return escape(str(error))
    people = sorted({step.actor for step in steps})
    return history(task, steps, await rights.names(people), zone)
