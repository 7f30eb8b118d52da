"""The Bolt app, and the two ways that Slack's requests reach it. slack_bolt's door."""

from bot.app.registration import build
from bot.app.signed import taking
from bot.app.sockets import LINES, Sockets

__all__ = ["LINES", "Sockets", "build", "taking"]
