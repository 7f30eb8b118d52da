"""Who has their Home open, and when it is shown anew: soon after it changed, as often as Slack takes."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Protocol, Self

from bot.overview import Overview, Seen
from bot.pace import Line
from bot.ports import ChatError, RateLimited, Refused
from bot.views.gate import LivePing
from bot.views.home import FILTERS, Home, Turn
from bot.views.looks import Filter, Look, is_channel, read
from bot.views.message import is_person
from dispatch.errors import StoreError
from dispatch.ports import Clock

OPEN_FOR: Final = timedelta(minutes=10)
"""Whoever has not opened or touched their Home for so long is taken to look at it no more."""

GAP: Final = timedelta(seconds=3)
"""One person's Home is shown anew at most once within so long."""

PUBLISHES: Final = (60, timedelta(minutes=1))
"""How often all Homes together are. Slack takes 100 a minute of such calls."""

MOST: Final = 200
"""So many Homes are kept fresh at most: those opened last."""

_LOOKED_AFTER: Final = timedelta(seconds=15)
"""Places in line and starts change with time alone; they are looked at this often."""

_REFUSED_FOR: Final = timedelta(minutes=1)
_IDLE: Final = 30.0
_log = logging.getLogger(__name__)


class Tab(Protocol):
    """Where Homes are shown. Raises ChatError, LivePing."""

    async def publish(self, person: str, home: Home) -> None:
        """Shows a person their Home."""
        ...


class Presses(Protocol):
    """Who does what a button says."""

    async def press_at_home(self, payload: Mapping[str, Any]) -> str:
        """Takes a press of a button in a Home; its answer, as safe mrkdwn. Never raises."""
        ...


@dataclass
class _Open:
    """A Home that somebody has open. `is_due` until what was opened or touched has been shown."""

    look: Look
    opened_at: datetime
    notice: str = ""
    is_due: bool = True
    shown: Home | None = None
    seen: Seen | None = None
    looked_at: datetime | None = None
    published_at: datetime | None = None
    rests_until: datetime | None = None


class Board:
    """Keeps Homes fresh while it is entered as an asynchronous context manager.

    Who has it open is forgotten with the process; a Home itself carries what was chosen in it.
    """

    def __init__(self, overview: Overview, presses: Presses, tab: Tab, clock: Clock) -> None:
        self._overview = overview
        self._presses = presses
        self._tab = tab
        self._clock = clock
        self._budget = Line(*PUBLISHES)
        self._open: dict[str, _Open] = {}
        self._awake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._said: set[str] = set()

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run(), name="board")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    def opened(self, payload: Mapping[str, Any]) -> None:
        """Notes that somebody has opened their Home, where the event says so. Returns at once."""
        match payload:
            case {"event": {"type": "app_home_opened", "tab": "home", "user": str(person)} as event} if (
                is_person(person)
            ):
                self._touch(person, event.get("view")).notice = ""

    async def press(self, payload: Mapping[str, Any]) -> None:
        """Takes a press in a Home: turns to something else, or does what it says. Never raises."""
        match payload:
            case {
                "user": {"id": str(person)},
                "view": {"type": "home"} as view,
                "actions": [{"action_id": str(name)} as pressed],
            } if is_person(person):
                if name in list(Turn):
                    home = self._touch(person, view)
                    home.look, home.notice = _turned(home.look, Turn(name), pressed), ""
                    return
                answer = await self._presses.press_at_home(payload)
                self._touch(person, view).notice = answer

    async def refresh(self) -> float:
        """Shows anew what has changed and may be shown; the seconds until it is to look again.

        Raises StoreError.
        """
        self._forget()
        if not self._open:
            return _IDLE
        seen, soonest = await self._overview.read(), GAP.total_seconds()
        for person, home in sorted(self._open.items(), key=lambda one: one[1].opened_at, reverse=True):
            now = self._clock.now()
            if (wait := self._budget.first(now) - now) > timedelta(0):
                return min(soonest, wait.total_seconds())
            if (wait := _rest(home, now)) > timedelta(0):
                soonest = min(soonest, wait.total_seconds())
            elif home.is_due or seen != home.seen or _is_old(home, now):
                await self._try_to_show(person, home, seen)
        return soonest

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            try:
                seconds = await self.refresh()
            except StoreError as error:
                _log.error("cannot see what a Home shows: %s", error)
                seconds = GAP.total_seconds()
            except Exception:
                # Nobody else shows Homes: this loop must outlive its own defects.
                _log.exception("showing Homes broke")
                seconds = GAP.total_seconds()
            await self._sleep(seconds)

    async def _sleep(self, seconds: float) -> None:
        woken = asyncio.create_task(self._awake.wait())
        slept = asyncio.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait({woken, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            slept.cancel()

    async def _try_to_show(self, person: str, home: _Open, seen: Seen) -> None:
        """Shows one Home anew; what fails of it fails for nobody else. Raises StoreError."""
        home.is_due = False
        try:
            await self._show(person, home, seen)
        except StoreError:
            home.is_due = True
            raise
        except Exception:
            _log.exception("the Home of %s broke", person)
            home.is_due, home.rests_until = True, self._clock.now() + _REFUSED_FOR

    async def _show(self, person: str, home: _Open, seen: Seen) -> None:
        view = await self._overview.home(person, home.look, seen, home.notice)
        now = self._clock.now()
        home.seen, home.looked_at = seen, now
        if view == home.shown:
            return
        home.published_at, home.shown = now, None
        self._budget.go(person, now)
        try:
            await self._tab.publish(person, view)
        except (ChatError, LivePing) as error:
            self._note(error, home)
        else:
            home.shown = view
            self._said.clear()

    def _note(self, error: Exception, home: _Open) -> None:
        """What could not be shown is shown later; nothing else suffers from it."""
        home.is_due, now = True, self._clock.now()
        if isinstance(error, RateLimited):
            self._budget.close(now + timedelta(seconds=error.retry_after))
        elif isinstance(error, Refused | LivePing) and not _passes(error):
            home.rests_until = now + _REFUSED_FOR
        if str(error) not in self._said:
            self._said.add(str(error))
            _log.warning("a Home could not be shown: %s", error)

    def _touch(self, person: str, view: object) -> _Open:
        """The Home of somebody who looks at it now; as it carries it where we know nothing of it."""
        now = self._clock.now()
        home = self._open.get(person)
        if home is None:
            metadata = view.get("private_metadata") if isinstance(view, dict) else None
            home = self._open[person] = _Open(read(metadata), now)
        home.opened_at, home.is_due = now, True
        self._awake.set()
        return home

    def _forget(self) -> None:
        now = self._clock.now()
        fresh = [(person, home) for person, home in self._open.items() if now - home.opened_at <= OPEN_FOR]
        fresh.sort(key=lambda one: one[1].opened_at, reverse=True)
        self._open = dict(fresh[:MOST])


def _rest(home: _Open, now: datetime) -> timedelta:
    """How long this Home must wait."""
    paced = home.published_at + GAP if home.published_at else now
    return max(paced, home.rests_until or now) - now


def _is_old(home: _Open, now: datetime) -> bool:
    return home.looked_at is None or now - home.looked_at >= _LOOKED_AFTER


def _passes(error: Exception) -> bool:
    """Whether another try may do at once: somebody else has shown that Home meanwhile."""
    return isinstance(error, Refused) and error.code == "hash_conflict"


def _turned(look: Look, turn: Turn, pressed: Mapping[str, Any]) -> Look:
    """What is looked at after that choice; as before where it says nothing that can be."""
    match turn, pressed:
        case Turn.PICK, {"selected_conversation": str(channel)} if is_channel(channel):
            return Look(Filter.CHANNEL, channel)
        case ((Turn.MINE | Turn.CHANNEL | Turn.ALL), _):
            return Look(FILTERS[turn], look.channel)
        case ((Turn.PREVIOUS | Turn.NEXT), {"value": str(page)}) if page.isascii() and page.isdecimal():
            return replace(look, page=min(int(page[:6]), 100_000))
    return look
