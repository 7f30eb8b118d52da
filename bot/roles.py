"""The part of the settings that says who may do what. Pure."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.access import Role, Rules
from bot.agents import Section

_PEOPLE = re.compile(r"[UWSCG][A-Z0-9]{2,}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")


def _people_id(text: str) -> str:
    if _PEOPLE.fullmatch(text) is None:
        raise ValueError(
            f"{text!r} is no id; use a person's (U…), a user group's (S…) or a channel's (C…), as Slack's "
            "menus copy them"
        )
    return text


def _channel_id(text: str) -> str:
    if _CHANNEL.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no channel id; use one such as C0123456789, as Slack's menus copy it")
    return text


People = frozenset[Annotated[str, AfterValidator(_people_id)]]
"""Ids of people, and of user groups and channels, which stand for whoever is in them."""

Number = Annotated[int, Field(ge=1)]


class AccessSettings(Section):
    """Who may ask for tasks, and for which. What names nobody is open to everybody in the workspace.

    `channels` are the only ones tasks may be asked for in, beside direct messages. `requesters` may ask for
    tasks at all, `urgent` for p1 and p2, `opus` for Opus; operators who are named may in any case.
    `urgent_a_day` and `opus_a_day` are how many of these each person may have a day. `guests` lets in guests
    and people of other companies, `shared_channels` takes tasks where other companies read.
    """

    channels: frozenset[Annotated[str, AfterValidator(_channel_id)]] = frozenset()
    requesters: People = frozenset()
    urgent: People = frozenset()
    opus: People = frozenset()
    urgent_a_day: Number | None = None
    opus_a_day: Number | None = None
    guests: bool = False
    shared_channels: bool = False


def rules(access: AccessSettings, operators: People, scripts: Mapping[str, str | People]) -> Rules:
    """The settings as they are judged by. `scripts` has who may run each: ids, operators or everybody."""
    named = {
        Role.REQUESTER: access.requesters,
        Role.URGENT: access.urgent,
        Role.OPUS: access.opus,
        Role.OPERATOR: operators,
    }
    return Rules(
        roles=named,
        channels=access.channels,
        scripts={
            name: None if isinstance(who, str) else who for name, who in scripts.items() if who != "everybody"
        },
        guests=access.guests,
        shared_channels=access.shared_channels,
    )
