"""What the doctor's tests share: settings between a simulated Slack and Claude, and the doctor upon them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.checkup import examination
from bot.config import Settings
from bot.doctor.finding import Finding, Level
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim
from dispatch.clock import SystemClock
from tests.integration.rehearsal_slack import MANIFEST

OPS, RANDOM, SECRET, ANA = "COPS00001", "CRAN00001", "CSEC00001", "UANA00001"


@dataclass
class Ward:
    """Where everything is well. `sections` are the settings; what is broken is broken in them or outside."""

    slack: SlackSim
    claude: ClaudeSim
    sections: dict[str, Any]

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(self.sections)

    def change(self, section: str, **values: Any) -> None:
        """Sets settings of one section."""
        self.sections[section] = {**self.sections.get(section, {}), **values}

    async def look(self, limit: float = 10.0) -> Mapping[str, Finding]:
        """The findings by name."""
        return {finding.name: finding for finding in await examination(self.settings, limit)}

    async def failures(self) -> dict[str, Finding]:
        return {name: found for name, found in (await self.look()).items() if found.level is Level.FAILURE}

    def calls(self, method: str) -> int:
        return sum(call.method == method for call in self.slack.state.calls)


@asynccontextmanager
async def ward(folder: Path, manifest: Mapping[str, object] = MANIFEST) -> AsyncIterator[Ward]:
    slack, claude = SlackSim(manifest), ClaudeSim(now=SystemClock().now)
    await slack.start()
    await claude.start()
    sections = {
        "database": folder / "onequeue.db",
        "timezone": "Europe/Berlin",
        "slack": {
            "bot_token": slack.bot_token,
            "app_token": slack.app_token,
            "signing_secret": slack.signing_secret,
            "api_url": slack.api_url,
        },
        "anthropic": {"api_key": claude.key, "base_url": claude.url},
        "digest": {"channel": OPS},
    }
    try:
        yield Ward(slack, claude, sections)
    finally:
        await slack.close()
        await claude.close()
