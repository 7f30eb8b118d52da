"""The Web API: every method by name."""

from collections.abc import Mapping

from bot.rehearsal.slack.webapi import (
    assistant,
    chat,
    conversations,
    files,
    people,
    sessions,
    streams,
    views,
)
from bot.rehearsal.slack.webapi.method import Method

METHODS: Mapping[str, Method] = {
    **assistant.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **people.METHODS,
    **sessions.METHODS,
    **streams.METHODS,
    **views.METHODS,
}
"""What the bot token may call; api.test, auth.test and apps.connections.open are the server's own."""
