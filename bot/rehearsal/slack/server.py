"""The simulated Slack as one object: start it, act in it as people do, read what the app made of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from aiohttp import web

from bot.rehearsal.slack.api import WebApi
from bot.rehearsal.slack.control import Control
from bot.rehearsal.slack.delivery import Delivery
from bot.rehearsal.slack.events import Events, Tab
from bot.rehearsal.slack.faults import Fault, FaultKind, Faults
from bot.rehearsal.slack.forms import Forms
from bot.rehearsal.slack.grants import granted_by
from bot.rehearsal.slack.guard import check_loopback, local_only
from bot.rehearsal.slack.people import People
from bot.rehearsal.slack.posting import Posting
from bot.rehearsal.slack.seed import acme
from bot.rehearsal.slack.shown import visible
from bot.rehearsal.slack.sockets import SocketAction, Sockets
from bot.rehearsal.slack.state import Json, Message, Ping, State, User
from bot.rehearsal.slack.tokens import Tokens
from bot.rehearsal.slack.transfer import Transfer
from bot.rehearsal.slack.workspace import Workspace

UPLOAD_BYTES = 64 * 1024 * 1024


def wall_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the simulator stands alone and tells the time of its own world


class SlackSim:
    """A small Slack on loopback, booted from an app manifest.

    Users and channels are named by id or by name. `ack_seconds` is how long an acknowledgement may take.
    Raises ValueError for an address that is not loopback and for tokens that look real.
    """

    def __init__(
        self,
        manifest: Mapping[str, object],
        *,
        now: Callable[[], datetime] = wall_clock,
        ack_seconds: float = 3.0,
        rate_limits: bool = False,
        port: int = 0,
        host: str = "127.0.0.1",
        tokens: Tokens | None = None,
    ) -> None:
        check_loopback(host)
        grants = granted_by(manifest)
        self._host, self._port = host, port
        self._tokens = tokens or Tokens()
        self._closing = asyncio.Event()
        self.state: State = acme(grants)
        self._delivery = Delivery(self.state, now, ack_seconds)
        self._ack_seconds = ack_seconds
        if grants.request_url:
            self.deliver_to(grants.request_url)
        events = Events(self.state, grants, self._delivery, now)
        self._workspace = Workspace(self.state, grants, now, self._delivery, events)
        self._sockets = Sockets(self.state, self._delivery, now)
        self._faults = Faults()
        self._people = People(self._workspace)
        self.forms = Forms(self._workspace, self._people)
        """What people do with shortcuts, forms and the Home tab."""
        self.app = web.Application(middlewares=[local_only], client_max_size=UPLOAD_BYTES)
        self._add_routes(rate_limits=rate_limits)
        self._runner: web.AppRunner | None = None

    def _add_routes(self, *, rate_limits: bool) -> None:
        api = WebApi(
            self._workspace,
            self._tokens,
            self._sockets,
            self._faults,
            self._closing,
            rate_limits=rate_limits,
        )
        transfer = Transfer(self._workspace, self._tokens)
        control = Control(
            self._workspace, self._people, self.forms, self._faults, self._sockets, self._closing
        )
        self.app.add_routes(
            [
                web.route("*", "/api/{method}", api.handle),
                web.get("/link/", self._sockets.handle),
                web.post("/upload/{id}", transfer.upload),
                web.get("/files-pri/{id}/{name:.*}", transfer.download),
                web.post("/response/{team}/{key}", transfer.respond),
                *control.routes(),
            ]
        )

    async def start(self) -> None:
        """Listens; `url` and `api_url` are right from here on."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1.0)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self._runner.cleanup)
            await self._runner.setup()
            await web.TCPSite(self._runner, self._host, self._port).start()
            undo.pop_all()
        self._port = self._runner.addresses[0][1]
        self._workspace.base_url = self._sockets.base_url = self.state.base_url = self.url

    async def close(self) -> None:
        """Closes sockets, streams and the port."""
        self._closing.set()
        self.state.touch()
        self._delivery.close()
        await self._sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    @property
    def api_url(self) -> str:
        """The base_url for Slack's clients."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self._tokens.bot

    @property
    def app_token(self) -> str:
        return self._tokens.app

    @property
    def signing_secret(self) -> str:
        return self._tokens.signing_secret

    async def slash(self, user: str, channel: str, text: str, command: str = "/task") -> str:
        """Uses a command; returns what the person sees: the answer, "" or a line with operation_timeout."""
        return await self._people.slash(user, channel, text, command)

    async def say(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str | None = None,
        files: Sequence[tuple[str, bytes]] = (),
        *,
        broadcast: bool = False,
    ) -> str:
        """Posts as a person and returns the ts; @names become mentions. Files are (name, bytes)."""
        return self._people.say(user, channel, text, thread_ts, files, broadcast=broadcast)

    async def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        self._people.edit(user, channel, ts, text)

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: str | None = None,
        block_id: str | None = None,
    ) -> str:
        """Uses a button or menu; returns "" or a line with operation_timeout."""
        return await self._people.click(user, channel, ts, action_id, value, block_id)

    async def react(self, user: str, channel: str, ts: str, name: str) -> None:
        self._people.react(user, channel, ts, name)

    async def open_home(self, user: str, tab: Tab = "home") -> Json | None:
        """Opens the app; returns the view of the Home tab, or None where there is none."""
        return self._people.open_home(user, tab)

    async def stop(self, user: str, channel: str, thread_ts: str) -> None:
        """Presses Stop on the session in a thread."""
        self._people.stop(user, channel, thread_ts)

    def invite(self, user: User, *channels: str) -> None:
        """Makes somebody a member of the workspace, and of these channels."""
        self.state.users[user.id] = user
        for channel in channels:
            self.state.channels[self._place(channel)].members.append(user.id)
        self.state.touch()

    def dm(self, user: str) -> str:
        """The id of the person's direct message with the app, opened on first use."""
        return self._people.open_dm(user)

    async def socket(self, do: SocketAction) -> None:
        """Disturbs the connection; see `Sockets.do`."""
        await self._sockets.do(do)

    def fault(
        self,
        method: str,
        kind: FaultKind,
        times: int = 1,
        error: str = "internal_error",
        retry_after: int = 1,
    ) -> None:
        """Makes the next calls of a method fail; `retry_after` is in seconds and for 429."""
        self._faults.add(method, Fault(kind, error, retry_after), times)

    def recover(self) -> None:
        """Forgets every failure still to come."""
        self._faults.clear()

    def duplicate(self, next_n: int) -> None:
        """Delivers each of the next envelopes twice: same payload, own envelope id, own socket."""
        self._delivery.copies_due = next_n

    def deliver_to(self, url: str) -> None:
        """Sends what happens to that address too, signed, as Slack does where sockets are off."""
        line = Posting(url, self.signing_secret, self._delivery, wall_clock, self._ack_seconds)
        self._delivery.join(line)

    def tick(self) -> None:
        """Sends the retries that are due; call it after moving a clock by hand."""
        self._delivery.tick()

    async def wait_for(
        self,
        predicate: Callable[[State], object],
        timeout: float = 10.0,  # noqa: ASYNC109  it says what it saw, which a bare asyncio.timeout cannot
    ) -> None:
        """Returns once the predicate, asked again at every change here, holds.

        Raises TimeoutError with what the channels hold after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                await self.state.until(predicate)
        except TimeoutError:
            raise TimeoutError(f"Still waiting after {timeout} s.\n{self.dump()}") from None

    def messages(self, channel: str) -> list[Message]:
        """What everyone in the channel sees, threads included, oldest first."""
        return [m for m in self.state.messages[self._place(channel)] if m.ephemeral_to is None]

    def ephemerals(self, user: str) -> list[Message]:
        """What only this person sees, over all channels."""
        person = self._people.person(user).id
        return [m for found in self.state.messages.values() for m in found if m.ephemeral_to == person]

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Root and replies, oldest first."""
        return self.state.thread(self._place(channel), ts)

    @property
    def pings(self) -> list[Ping]:
        return self.state.pings

    def dump(self) -> str:
        """The channels, the last calls and the last envelopes as readable lines."""
        lines = [f"{self.state.sockets} sockets open"]
        for channel in self.state.channels.values():
            lines.append(f"#{channel.name} ({channel.id})")
            for message in self.state.messages[channel.id]:
                only = f" (only {message.ephemeral_to})" if message.ephemeral_to else ""
                reply = "    " if message.is_reply else "  "
                lines.append(f"{reply}{message.ts} {message.user}{only}: {visible(message)!r:.300}")
        lines += [f"call {c.n} {c.method}: {c.error or 'ok'}" for c in self.state.calls[-20:]]
        lines += [f"envelope {e.n} {e.type}: {e.state}" for e in self.state.envelopes[-20:]]
        return "\n".join(lines)

    def _place(self, channel: str) -> str:
        named = {f"#{c.name}": c.id for c in self.state.channels.values() if c.kind != "dm"}
        return named.get(f"#{channel.removeprefix('#')}", channel)
