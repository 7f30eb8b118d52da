"""A small, honest Slack on loopback: it refuses what Slack refuses. FIDELITY.md says what it models."""

from bot.rehearsal.slack.people import CannotDo
from bot.rehearsal.slack.server import SlackSim
from bot.rehearsal.slack.shown import visible
from bot.rehearsal.slack.state import Call, Channel, Envelope, File, Message, Ping, State, User
from bot.rehearsal.slack.tokens import Tokens

__all__ = [
    "Call",
    "CannotDo",
    "Channel",
    "Envelope",
    "File",
    "Message",
    "Ping",
    "SlackSim",
    "State",
    "Tokens",
    "User",
    "visible",
]
