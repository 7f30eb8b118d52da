"""The settings of a bot between the two simulators."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.config import Settings
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim

OPS, SAM = "COPS00001", "USAM00001"
"""Where operators are told, and the only one there is."""


def between(slack: SlackSim, claude: ClaudeSim, folder: Path, sections: Mapping[str, Any]) -> Settings:
    """Everything that the bot needs, with `sections` over it."""
    return Settings.model_validate(
        {
            "database": folder / "onequeue.db",
            "grace_seconds": 0,
            "slack": {
                "bot_token": slack.bot_token,
                "app_token": slack.app_token,
                "signing_secret": slack.signing_secret,
                "api_url": slack.api_url,
            },
            "anthropic": {"api_key": claude.key, "base_url": claude.url},
            "operators": {"channel": OPS, "people": [SAM]},
            **sections,
        }
    )
