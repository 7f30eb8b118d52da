"""The form for a follow-up: opened by a button of an answered task, read when it is sent. Plain payloads.

A reply shows by itself that whoever writes it reads the thread. A form does not: so whether they may is asked
when it is opened, and again when it is sent. All that it says of its task is the number.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from bot.heard import Place
from bot.intake import Intake
from bot.slacktext import escape
from bot.threads import follow_up
from bot.views import presses, texts
from bot.views.form import WORDS, filled_in, follow_up_form, in_field, typed
from bot.views.message import is_person
from bot.views.offers import takes_follow_up
from bot.windows import Windows, latest, opened
from dispatch.errors import MoveRefused, NotFound, StoreError
from dispatch.routing import Table
from dispatch.task import Source, Task

_TASK: Final = re.compile(r"[1-9][0-9]{0,17}")
_VIEW: Final = re.compile(r"[!-~]{1,100}")
_log = logging.getLogger(__name__)


class Parents(Protocol):
    """The guard, as far as forms ask it."""

    async def parent(self, task_id: int, person: str) -> Task:
        """The task, for whoever may go on from it by a form. Raises NotFound, MoveRefused, StoreError."""
        ...


class FollowUps:
    """Forms that go on from an answered task, in its thread."""

    def __init__(self, intake: Intake, parents: Parents, windows: Windows, table: Table) -> None:
        self._intake = intake
        self._parents = parents
        self._windows = windows
        self._table = table

    async def open(self, task_id: int, person: str, trigger: str) -> str:
        """Opens the form, and says nothing; else how it goes without one.

        Raises NotFound, MoveRefused, StoreError.
        """
        by = latest()
        parent = await self._parents.parent(task_id, person)
        if await opened(self._windows, trigger, follow_up_form(parent, self._table), by):
            return ""
        return presses.reply_instead(parent)

    async def submitted(self, payload: Mapping[str, Any]) -> Mapping[str, str]:
        """A form that was sent: queued, and nothing to say; else what is wrong, by field. Never raises.

        However often one form is sent, it is one task.
        """
        try:
            return await self._take(payload)
        except (NotFound, MoveRefused) as error:
            return {WORDS: in_field(escape(str(error)))}
        except StoreError:
            _log.exception("a follow-up could not be stored")
            return {WORDS: in_field(texts.not_stored())}
        except Exception:
            _log.exception("a follow-up broke")
            return {WORDS: in_field(texts.broken())}

    async def _take(self, payload: Mapping[str, Any]) -> Mapping[str, str]:
        view, person = payload["view"], payload["user"]["id"]
        key, number = str(view["id"]), str(view.get("private_metadata"))
        if not is_person(person) or not _VIEW.fullmatch(key) or not _TASK.fullmatch(number):
            raise ValueError("a form that is none of ours")
        asked = typed(filled_in(view))
        if isinstance(asked, Mapping):
            return asked
        parent = await self._parents.parent(int(number), person)
        if not takes_follow_up(parent):
            return {WORDS: in_field(presses.moved_on(parent))}
        if asked.priority == parent.priority:
            # It stood there when the form was opened: a new priority would drop the model.
            asked = replace(asked, priority=None)
        place = Place(
            key=f"form:{key}",
            source=Source.FORM,
            person=person,
            channel=parent.channel,
            thread=parent.thread,
            in_thread=True,
        )
        answer = await self._intake.do(follow_up(parent, asked), place)
        return {WORDS: in_field(answer)} if answer.startswith(texts.REFUSED) else {}
