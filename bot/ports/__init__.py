"""What bot/ needs from the world: Slack as `Chat`, the queue as `Desk`. Pure."""

from bot.ports.chat import Chat, ChatError, Identity, NoAnswer, Profile, RateLimited, Refused, Room, Said
from bot.ports.desk import Accounts, Alarms, Desk, Rights

__all__ = [
    "Accounts",
    "Alarms",
    "Chat",
    "ChatError",
    "Desk",
    "Identity",
    "NoAnswer",
    "Profile",
    "RateLimited",
    "Refused",
    "Rights",
    "Room",
    "Said",
]
