"""One session: what it may reach, where it sits, how it runs."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from dispatch.means import Means, Project
from dispatch.ports.additions import Hear, nothing_said
from dispatch.ports.previews import Preview, Unseen
from dispatch.ports.transcripts import Recorder
from dispatch.questions import Ruling
from dispatch.scripts import Script
from dispatch.task import Claim, Outcome, Resumed, Task
from dispatch.transcript import Unrecorded
from dispatch.work import Work


class Pause(Exception):
    """Raised by a tool that is answered later: its session ends as asked, and goes on with the answer."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a session may call. `schema` is JSON Schema of its input; `call` answers the model.

    `call` raises Pause where people must answer first and that takes too long to wait for.
    """

    name: str
    description: str
    schema: Mapping[str, object]
    call: Callable[[Mapping[str, object]], Awaitable[str]]


Approve = Callable[[str, str], Awaitable[Ruling]]
"""Has people approve one exact action, for a reason. Raises Pause as a tool does."""


Tell = Callable[[str], Awaitable[None]]
"""Tells the people who wait what a session is doing, in a line of its runner's own that names nothing."""


@dataclass(slots=True)
class Heard:
    """What the API last told one attempt's gateway: in how many seconds to ask again, if it said so."""

    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How one attempt reaches the API: an address and a key that end with the attempt.

    Once `is_paused`, a tool or `approve` has raised Pause, and nothing more is sent for the session.
    `tell` is for its runner; the model has a tool. `heard` is kept by the gateway, for a session in another
    process does not pass on all that it is told.
    """

    base_url: str
    key: str
    tools: tuple[Tool, ...]
    approve: Approve | None = None
    is_paused: Callable[[], bool] = lambda: False
    tell: Tell | None = field(default=None, compare=False)
    heard: Heard = field(default_factory=Heard, compare=False)


class FileKind(StrEnum):
    """What a file is, by what is in it."""

    IMAGE = "image"
    PDF = "pdf"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a session may read. `name` is a line of visible text, `media_type` such as `image/png`.

    Text is UTF-8.
    """

    name: str
    kind: FileKind
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The files of a request that could be read, and why each other could not, with its name."""

    read: tuple[Attachment, ...] = ()
    unread: tuple[str, ...] = ()


class Files(Protocol):
    """The files that came with a request."""

    async def of(self, task: Task) -> Gathered:
        """What is in them now. Raises Unreachable."""
        ...


class Gateway(Protocol):
    """What a session may reach. Prices, books and stops every request."""

    def admit(self, claim: Claim) -> AbstractAsyncContextManager[Access]:
        """Opens the way for one attempt; closing it cuts what is still under way."""
        ...


@dataclass(slots=True)
class Draft:
    """What a session has written so far, on which model, and the work it left. It outlives a cut."""

    text: str = ""
    model: str | None = None
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent works: a folder of its own, and the repository behind it, if it has one.

    With its `record` the same place is made again for the session that goes on in it.
    """

    path: Path
    repo: Path | None = None
    record: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One attempt, ready to run. `prompt` is the request with what it quotes.

    Where there is a `script` it runs that: without a model, with no access to anything, on behalf of
    `requester`, and the prompt is only the words.
    `place` is where an agent works; a session without files has none.
    Where it is `resumed` the earlier conversation goes on, and the prompt is for a runner that cannot
    read that conversation any more.
    Its runner tells the `recorder` what happens, as it happens, and where it can tell shows the `preview`
    the answer as it is written. `attachments` are files it may read. It may `hear` after each message of
    the model's, and where it is resumed before the first, for what was said meanwhile.
    """

    task_id: int
    attempt: int
    model: str
    effort: str
    max_output_tokens: int
    wall_clock: timedelta
    prompt: str
    access: Access
    draft: Draft = field(default_factory=Draft, compare=False)
    script: Script | None = None
    requester: str = ""
    means: Means = field(default_factory=Means)
    place: Place | None = None
    resumed: Resumed | None = None
    recorder: Recorder = field(default_factory=Unrecorded, compare=False)
    preview: Preview = field(default_factory=Unseen, compare=False)
    attachments: tuple[Attachment, ...] = ()
    hear: Hear = field(default=nothing_said, compare=False)


class Runner(Protocol):
    """Runs a session, fresh or resumed, in one way. Returns an outcome for all that can go wrong in it.

    A tool that raises Pause ends it as asked, with the conversation it can go on from.
    """

    async def run(self, session: Session) -> Outcome:
        """Cancelling it ends the session at once."""
        ...


class Setups(Protocol):
    """Runs the setup commands of projects."""

    async def run(self, project: Project, place: Place) -> None:
        """The project's setup in a fresh place, if it has one, and the end of all that it has started.

        Raises NoPlace where it fails, Unreachable where it cannot be run now.
        """
        ...


class Places(Protocol):
    """Makes the places where agents work on projects, and keeps what they leave there."""

    def open(self, session: Session, record: str = "") -> AbstractAsyncContextManager[Place]:
        """A fresh place for one session, gone at the end; what was changed is kept in its draft's `work`.

        With the `record` of an earlier one it is at the same path, with the work that was left there.
        Raises NoPlace where the project does not give one, Unreachable where none can be had now.
        """
        ...


class Seats(Protocol):
    """Places where sessions run, on this machine or another."""

    async def run(self, session: Session) -> Outcome:
        """Gives the session a seat until it ends or its wall clock does. Always returns an outcome."""
        ...
