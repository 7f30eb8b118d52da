"""The form for a new task: opened by a shortcut or a bare `/task`, read when it is sent. Plain payloads.

What is sent ends where a command does: in the same words, the same door, the same receipt.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.heard import Place
from bot.intake import Intake
from bot.manual import HELP
from bot.ports import ChatError
from bot.slacktext import plain
from bot.views import texts
from bot.views.form import CHANNEL, WORDS, filled_in, in_field, task_form, typed
from bot.views.message import is_person
from bot.windows import Windows, latest, opened
from dispatch.errors import StoreError
from dispatch.routing import Table
from dispatch.task import Source

OF_A_MESSAGE: Final = "run_as_task"
"""The shortcut in the menu of a message."""

_TS: Final = re.compile(r"[0-9]{1,12}\.[0-9]{6}")
_CHANNEL: Final = re.compile(r"[CDG][A-Z0-9]{2,30}")
_VIEW: Final = re.compile(r"[!-~]{1,100}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _About:
    """The message a form is about."""

    channel: str
    ts: str
    root: str | None


class Forms:
    """Forms for new tasks. `projects` are those a task may name."""

    def __init__(self, intake: Intake, windows: Windows, table: Table, projects: Sequence[str]) -> None:
        self._intake = intake
        self._windows = windows
        self._table = table
        self._projects = projects

    async def slash(self, payload: Mapping[str, Any]) -> str:
        """A command -> its private answer. A bare one opens the form, and says nothing. Never raises."""
        if (payload.get("text") or "").strip():
            return await self._intake.slash(payload)
        if await self._open(payload, channel=_shown_channel(payload.get("channel_id"))):
            return ""
        return await self._intake.slash(payload)

    async def shortcut(self, payload: Mapping[str, Any]) -> None:
        """Opens the form. Where Slack does not, the person is told how else to ask. Never raises."""
        try:
            about = _about(payload)
        except ValueError:
            _log.warning("a shortcut that is none of ours")
            return
        quoted = plain(str((payload.get("message") or {}).get("text") or "")) if about else None
        if not await self._open(payload, about=about, quoted=quoted):
            await self._tell_usage(payload, about)

    async def submitted(self, payload: Mapping[str, Any]) -> Mapping[str, str]:
        """A form that was sent: queued, and nothing to say; else what is wrong, by field. Never raises.

        However often one form is sent, it is one task.
        """
        try:
            return await self._take(payload)
        except StoreError:
            _log.exception("a form could not be stored")
            return {WORDS: in_field(texts.not_stored())}
        except Exception:
            _log.exception("a form broke")
            return {WORDS: in_field(texts.broken())}

    async def _take(self, payload: Mapping[str, Any]) -> Mapping[str, str]:
        view, person = payload["view"], payload["user"]["id"]
        key = str(view["id"])
        if not is_person(person) or not _VIEW.fullmatch(key):
            raise ValueError("a form that is none of ours")
        values = filled_in(view)
        asked = typed(values)
        if isinstance(asked, Mapping):
            return asked
        about = _read(str(view.get("private_metadata") or ""))
        try:
            channel = about.channel if about else values.get(CHANNEL) or await self._windows.open_dm(person)
        except ChatError as error:
            _log.warning("our direct messages could not be opened: %s", error)
            return {CHANNEL: "Slack did not open our direct messages. Choose a channel."}
        if not _CHANNEL.fullmatch(channel):
            raise ValueError("a form from nowhere")
        place = Place(
            key=f"form:{key}",
            source=Source.SHORTCUT if about else Source.FORM,
            person=person,
            channel=channel,
            thread=(about.root or about.ts) if about else None,
            message=about.ts if about else None,
            in_thread=about is not None,
        )
        answer = await self._intake.do(asked, place)
        if answer.startswith(texts.REFUSED):
            return {WORDS: in_field(answer)}
        if about is None and not channel.startswith("D"):
            await self._tell(place, answer)
        return {}

    async def _tell(self, place: Place, receipt: str) -> None:
        """Tells what a task came to that is stored. Where that cannot be stored as well, its card says it."""
        try:
            await self._intake.tell(place, receipt)
        except StoreError:
            _log.exception("a receipt could not be stored")

    async def _open(
        self,
        payload: Mapping[str, Any],
        *,
        channel: str | None = None,
        about: _About | None = None,
        quoted: str | None = None,
    ) -> bool:
        metadata = json.dumps([about.channel, about.ts, about.root]) if about else ""
        view = task_form(metadata, self._table, self._projects, channel=channel, quoted=quoted)
        return await opened(self._windows, str(payload.get("trigger_id", "")), view, latest())

    async def _tell_usage(self, payload: Mapping[str, Any], about: _About | None) -> None:
        try:
            person = payload["user"]["id"]
            channel = about.channel if about else await self._windows.open_dm(person)
            place = Place(
                key=f"shortcut:{payload['trigger_id']}",
                source=Source.DM if channel.startswith("D") else Source.SHORTCUT,
                person=person,
                channel=channel,
                thread=about.root if about else None,
                in_thread=bool(about and about.root),
            )
            await self._intake.tell(place, HELP)
        except Exception:
            _log.exception("a shortcut could not be answered")


def _about(payload: Mapping[str, Any]) -> _About | None:
    """The message that a shortcut was used on; None for one that is of no message."""
    match payload:
        case {
            "callback_id": str(name),
            "channel": {"id": str(channel)},
            "message": {"ts": str(ts)} as message,
        } if name == OF_A_MESSAGE:
            return _checked(channel, ts, message.get("thread_ts"))
    return None


def _read(metadata: str) -> _About | None:
    """The message that a form is about. Raises ValueError where that cannot be read."""
    if not metadata:
        return None
    match json.loads(metadata):
        case [str(channel), str(ts), str() | None as root]:
            return _checked(channel, ts, root)
    raise ValueError("a form about nothing")


def _checked(channel: str, ts: str, root: object) -> _About:
    thread = root if isinstance(root, str) and root != ts else None
    if not _CHANNEL.fullmatch(channel) or not all(_TS.fullmatch(one) for one in (ts, thread or ts)):
        raise ValueError("no message of Slack's")
    return _About(channel, ts, thread)


def _shown_channel(channel: object) -> str | None:
    """The channel to choose at first: where the command was typed, but for direct messages."""
    return channel if isinstance(channel, str) and channel[:1] in ("C", "G") else None
