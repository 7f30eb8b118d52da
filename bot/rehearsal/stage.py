"""What `onequeue try` puts around the real bot: a simulated Slack, a simulated Claude and a page."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path

from aiohttp import web

from bot.config import Settings
from bot.rehearsal.claude import ClaudeSim, control_routes
from bot.rehearsal.page import page_routes
from bot.rehearsal.slack import SlackSim

EXAMPLES = [
    {"label": "Something hard", "text": "/task p3 investigate stall"},
    {"label": "Something small", "text": "/task p9 what is a dead letter queue?"},
    {"label": "Let it ask you", "text": "/task p6 drain the queues, but ask me which first"},
    {"label": "Fill in a form", "text": "/task"},
    {"label": "Time to stop it", "text": "/task p2 write a long plan for the migration"},
    {"label": "See the queue", "text": "/task list"},
]
_PACE = 0.05


class Stage:
    """Both simulators and the page, on loopback. `claude` is None where the real model answers."""

    def __init__(
        self,
        manifest: Mapping[str, object],
        *,
        now: Callable[[], datetime],
        port: int,
        real_claude: bool,
        zone: str,
    ) -> None:
        self.slack = SlackSim(manifest, now=now, port=port)
        self.claude = None if real_claude else ClaudeSim(now=now, pace=_PACE)
        self._zone = zone
        self._post_digest: Callable[[], Awaitable[object]] | None = None
        self.slack.app.add_routes(
            [*page_routes(), web.get("/_try/about", self._about), web.post("/_try/digest", self._digest)]
        )
        if self.claude:
            self.slack.app.add_routes(control_routes(self.claude))

    @property
    def digest_channel(self) -> str:
        """The id of the channel that the digest is for."""
        return next(channel.id for channel in self.slack.state.channels.values() if channel.name == "ops")

    async def start(self) -> None:
        """Listens."""
        if self.claude:
            await self.claude.start()
        await self.slack.start()

    async def close(self) -> None:
        """Stops listening."""
        await self.slack.close()
        if self.claude:
            await self.claude.close()

    def on_digest(self, post: Callable[[], Awaitable[object]]) -> None:
        """What the page's button for the digest does."""
        self._post_digest = post

    async def _about(self, _: web.Request) -> web.Response:
        claude = (
            "simulated Claude, two rehearsed weeks before today. Nothing leaves this machine."
            if self.claude
            else "real Claude: answers cost money."
        )
        return web.json_response(
            {
                "banner": f"Simulated Slack, {claude}",
                "real_claude": self.claude is None,
                "examples": EXAMPLES,
                "zone": self._zone,
            }
        )

    async def _digest(self, _: web.Request) -> web.Response:
        if self._post_digest is None:
            return web.json_response({"error": "The bot is still starting; try again."}, status=503)
        await self._post_digest()
        return web.json_response({"ok": True})


def rehearsed(settings: Settings, stage: Stage, database: Path) -> Settings:
    """The settings with both simulators in the place of Slack and Claude, and a database of its own."""
    slack = settings.slack.model_copy(
        update={
            "bot_token": stage.slack.bot_token,
            "app_token": stage.slack.app_token,
            "signing_secret": stage.slack.signing_secret,
            "api_url": stage.slack.api_url,
            "http": "",
        }
    )
    changes: dict[str, object] = {
        "slack": slack,
        "database": database,
        "grace_seconds": 0,
        "digest": settings.digest.model_copy(update={"channel": stage.digest_channel}),
    }
    if stage.claude:
        claude = {"api_key": stage.claude.key, "base_url": stage.claude.url}
        changes["anthropic"] = settings.anthropic.model_copy(update=claude)
    return settings.model_copy(update=changes)
