"""What has happened to a task, told to whoever asks."""

from collections.abc import Collection
from dataclasses import replace
from zoneinfo import ZoneInfo

from bot.ports import Desk, Rights
from bot.redact import redact
from bot.views.history import history
from bot.views.quiet import veiled
from dispatch.task import Task


async def chronicle(
    desk: Desk, rights: Rights, task: Task, zone: ZoneInfo, secrets: Collection[str], *, private: bool
) -> str:
    """All moves of a task in private words, with the names of those who made them.

    Why they were made is not told where that is `private`. Raises NotFound, StoreError.
    """
    steps = [
        replace(step, detail="" if private else redact(step.detail, secrets))
        for step in await desk.history(task.id)
    ]
    if private:
        task, _ = veiled(task, [])
    people = sorted({step.actor for step in steps})
    return history(task, steps, await rights.names(people), zone)
