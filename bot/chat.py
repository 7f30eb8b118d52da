"""`ports.Chat` on Slack's Web API. The door to slack_sdk."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.attached import files_in
from bot.downloads import fetched, is_slacks
from bot.ports import Identity, Profile, Refused, Room, Said
from bot.trouble import translated
from bot.views import gate
from bot.views.home import Home
from bot.views.message import Message
from dispatch.task import Attached

EVENT_TYPE: Final = "onequeue_delivery"
"""The metadata by which a message of ours is found again. Members can read it: it holds no secret."""

_TIMEOUT: Final = 30
_PAGE: Final = 200
_PAGES: Final = 25
_LATE: Final = timedelta(minutes=2)


class SlackChat:
    """Slack as one bot token sees it. Slack's ok:false, rate limits and broken lines become ChatError.

    `timeout` is the seconds one call may take.
    """

    def __init__(self, token: str, api_url: str, timeout: int = _TIMEOUT) -> None:
        # The client's own handler sends again after a broken line, and so posts twice.
        self._client = AsyncWebClient(token, api_url, timeout=timeout, retry_handlers=[])
        self._names: dict[str, str] = {}
        self._me: Identity | None = None

    async def identity(self) -> Identity:
        """Who this token is."""
        with translated():
            me = await self._client.auth_test()
        scopes = str(me.headers.get("x-oauth-scopes", ""))
        return Identity(
            user=me["user_id"],
            bot=me["bot_id"],
            team=me["team_id"],
            team_name=me.get("team", ""),
            scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
        )

    async def post(self, channel: str, message: Message, *, thread: str | None, key: str) -> str:
        """Posts a message that carries `key`; its id."""
        gate.check(message)
        with translated():
            posted = await self._client.chat_postMessage(
                channel=channel,
                thread_ts=thread,
                metadata=_metadata(key),
                unfurl_links=False,
                unfurl_media=False,
                **_content(message),
            )
        return str(posted["ts"])

    async def update(self, channel: str, ts: str, message: Message, *, key: str) -> None:
        """Replaces a message of ours."""
        gate.check(message)
        with translated():
            await self._client.chat_update(
                channel=channel, ts=ts, metadata=_metadata(key), **_content(message)
            )

    async def whisper(self, channel: str, person: str, message: Message, *, thread: str | None) -> None:
        """Shows a message to one person only."""
        gate.check(message)
        with translated():
            await self._client.chat_postEphemeral(
                channel=channel, user=person, thread_ts=thread, **_content(message)
            )

    async def publish(self, person: str, home: Home) -> None:
        """Shows a person their Home tab."""
        gate.check(Message("", home.blocks))
        view = {"type": "home", "blocks": [dict(block) for block in home.blocks]}
        with translated():
            await self._client.views_publish(user_id=person, view={**view, "private_metadata": home.metadata})

    async def upload(self, channel: str, filename: str, content: str, *, thread: str | None) -> str:
        """Posts a text file; the file's id."""
        with translated():
            uploaded = await self._client.files_upload_v2(
                filename=filename, title=filename, content=content, channel=channel, thread_ts=thread
            )
        return str(uploaded["files"][0]["id"])

    async def begin_stream(self, channel: str, thread: str, person: str) -> str:
        """Begins an empty message that grows, for that person; its id."""
        me = await self._who()
        with translated():
            begun = await self._client.chat_startStream(
                channel=channel, thread_ts=thread, recipient_team_id=me.team, recipient_user_id=person
            )
        return str(begun["ts"])

    async def append_stream(self, channel: str, ts: str, text: str) -> None:
        """Adds Markdown to a message that grows."""
        gate.check(Message(text))
        with translated():
            await self._client.chat_appendStream(channel=channel, ts=ts, markdown_text=text)

    async def end_stream(self, channel: str, ts: str, below: Message) -> None:
        """Ends a message that grows with the blocks of that message below."""
        gate.check(below)
        blocks = [dict(block) for block in below.blocks] or None
        with translated():
            await self._client.chat_stopStream(channel=channel, ts=ts, blocks=blocks)

    async def strays(self, channel: str, thread: str, since: datetime) -> Sequence[str]:
        """The messages of ours in a thread that carry no key and no file."""
        me, oldest = await self._who(), f"{(since - _LATE).timestamp():.6f}"
        return [
            str(message["ts"])
            async for message in self._messages(channel, thread, oldest=oldest)
            if message.get("user") == me.user and not message.get("metadata") and not message.get("files")
        ]

    async def delete(self, channel: str, ts: str) -> None:
        """Deletes a message of ours."""
        with translated():
            await self._client.chat_delete(channel=channel, ts=ts)

    async def find(self, channel: str, key: str, *, thread: str | None, since: datetime) -> str | None:
        """The id of the message that carries `key`, or of the file of that name, if it has arrived."""
        oldest = f"{(since - _LATE).timestamp():.6f}"
        async for message in self._messages(channel, thread, oldest=oldest):
            if _carries(message, key):
                return str(message["ts"])
        return None

    async def open_dm(self, person: str) -> str:
        """The channel of our direct messages with a person."""
        with translated():
            opened = await self._client.conversations_open(users=[person])
        return str(opened["channel"]["id"])

    async def open_form(self, trigger: str, view: Mapping[str, Any]) -> None:
        """Shows a form to whoever has just done what the trigger is of."""
        with translated():
            await self._client.views_open(trigger_id=trigger, view=dict(view))

    async def suggest(self, channel: str, prompts: Sequence[Mapping[str, str]]) -> None:
        """Offers prompts, each a `title` and a `message`, in our direct messages with a person."""
        with translated():
            # With a thread Slack says that all is well and shows nothing.
            await self._client.api_call(
                "assistant.threads.setSuggestedPrompts",
                json={"channel_id": channel, "prompts": [dict(prompt) for prompt in prompts]},
            )

    async def show_status(self, channel: str, thread: str, status: str) -> None:
        """Shows in a thread what we are doing there."""
        with translated():
            await self._client.agents_sessions_setStatus(channel_id=channel, thread_ts=thread, status=status)

    async def attached(self, channel: str, thread: str, ts: str) -> Sequence[Attached]:
        """The files of a message."""
        with translated():
            page = await self._client.conversations_replies(
                channel=channel, ts=thread, oldest=ts, latest=ts, inclusive=True
            )
        return [file for one in page["messages"] if one["ts"] == ts for file in files_in(one.get("files"))]

    async def file(self, file_id: str, most: int) -> bytes | None:
        """What is in a file; None where that is more than so many bytes.

        Our token goes to Slack alone: an address elsewhere is Refused, and so is a way that leads on.
        """
        with translated():
            told = (await self._client.files_info(file=file_id))["file"]
        address = str(told.get("url_private_download") or told.get("url_private") or "")
        if not is_slacks(address, self._client.base_url):
            raise Refused("not_stored_in_slack")
        with translated():
            return await fetched(address, str(self._client.token), self._client.proxy, most)

    async def thread(self, channel: str, ts: str, *, before: str) -> Sequence[Said]:
        """The thread of a message up to another, oldest first."""
        found = [message async for message in self._messages(channel, ts, latest=before)]
        return [_said(message) for message in found if float(message["ts"]) < float(before)]

    async def permalink(self, channel: str, ts: str) -> str:
        """A link to a message."""
        with translated():
            answer = await self._client.chat_getPermalink(channel=channel, message_ts=ts)
        return str(answer["permalink"])

    async def name(self, person: str) -> str:
        """The name a person shows; asked once."""
        if person not in self._names:
            with translated():
                user = (await self._client.users_info(user=person))["user"]
            profile = user.get("profile", {})
            shown = profile.get("display_name") or profile.get("real_name") or user.get("name", "")
            self._names[person] = str(shown)
        return self._names[person]

    async def profile(self, person: str) -> Profile:
        """What somebody is to this workspace."""
        with translated():
            user = (await self._client.users_info(user=person))["user"]
        teams = [user.get("team_id"), *((user.get("enterprise_user") or {}).get("teams") or [])]
        return Profile(
            teams=frozenset(str(team) for team in teams if team),
            guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            stranger=bool(user.get("is_stranger")),
            bot=bool(user.get("is_bot")),
            gone=bool(user.get("deleted")),
        )

    async def room(self, channel: str) -> Room:
        """A channel's name and who reads it."""
        with translated():
            found = (await self._client.conversations_info(channel=channel))["channel"]
        shared = found.get("is_ext_shared") or found.get("is_pending_ext_shared")
        public = bool(found.get("is_channel")) and not found.get("is_private")
        return Room(str(found.get("name") or ""), bool(shared), public)

    async def members(self, group: str) -> frozenset[str]:
        """Who is in a user group (S...) or a channel, by id."""
        if group.startswith("S"):
            with translated():
                answer = await self._client.usergroups_users_list(usergroup=group)
            return frozenset(answer["users"])
        found: set[str] = set()
        cursor: str | None = None
        for _ in range(_PAGES):
            with translated():
                page = await self._client.conversations_members(channel=group, cursor=cursor, limit=_PAGE)
            found.update(page["members"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return frozenset(found)

    async def _who(self) -> Identity:
        if self._me is None:
            self._me = await self.identity()
        return self._me

    async def _messages(
        self, channel: str, thread: str | None, *, oldest: str | None = None, latest: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        window: dict[str, Any] = {"channel": channel, "oldest": oldest, "latest": latest}
        cursor: str | None = None
        for _ in range(_PAGES):
            with translated():
                page = await self._page(thread, {**window, "cursor": cursor})
            for message in page["messages"]:
                yield message
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    async def _page(self, thread: str | None, window: dict[str, Any]) -> AsyncSlackResponse:
        wanted = {**window, "limit": _PAGE, "include_all_metadata": True}
        if thread is None:
            return await self._client.conversations_history(**wanted)
        return await self._client.conversations_replies(ts=thread, **wanted)


def _content(message: Message) -> dict[str, Any]:
    blocks = [dict(block) for block in message.blocks] or None
    return {"text": message.text, "blocks": blocks, "parse": "none", "link_names": False}


def _metadata(key: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def _carries(message: dict[str, Any], key: str) -> bool:
    metadata = message.get("metadata") or {}
    ours = metadata.get("event_type") == EVENT_TYPE and metadata.get("event_payload", {}).get("key") == key
    return ours or any(file.get("name") == key for file in message.get("files") or [])


def _said(message: dict[str, Any]) -> Said:
    files = tuple(str(file.get("name") or "a file") for file in message.get("files") or [])
    person = message.get("user") or message.get("username") or message.get("bot_id") or ""
    return Said(str(message["ts"]), str(person), str(message.get("text") or ""), files)
