"""What people do in Slack: type, use a command, click, react, edit, open the app, press Stop."""

from collections.abc import Sequence

from bot.rehearsal.slack import payloads
from bot.rehearsal.slack.composer import channel_named, command_text, composed, user_named
from bot.rehearsal.slack.controls import chosen
from bot.rehearsal.slack.events import Tab
from bot.rehearsal.slack.shown import visible
from bot.rehearsal.slack.state import Channel, Envelope, Json, Message, User
from bot.rehearsal.slack.webapi.content import content
from bot.rehearsal.slack.webapi.method import Refusal
from bot.rehearsal.slack.workspace import Workspace, notice

NOT_DONE = {"timeout": "operation_timeout", "dropped": "dispatch_failed"}
"""How an envelope ended -> what Slack says of it."""


class CannotDo(Exception):
    """A person cannot do that here; the message says what to do instead."""


class People:
    """Users and channels are given by id or by name: "ana", "UANA00001", "ops", "#ops", "COPS00001"."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def person(self, user: str) -> User:
        state = self._workspace.state
        found = state.users.get(user) or state.users.get(user_named(state, user.removeprefix("@")) or "")
        if found is None or found.is_bot:
            names = ", ".join(u.name for u in state.users.values() if not u.is_bot)
            raise CannotDo(f"Nobody here is called {user}. There are {names}.")
        return found

    def channel(self, user: User, channel: str) -> Channel:
        state = self._workspace.state
        by_name = state.channels.get(channel_named(state, channel.removeprefix("#")) or "")
        found = state.channels.get(channel) or by_name
        if found is None or (found.kind != "channel" and user.id not in found.members):
            raise CannotDo(f"{user.name} sees no channel {channel}.")
        return found

    def say(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str | None = None,
        files: Sequence[tuple[str, bytes]] = (),
        *,
        broadcast: bool = False,
    ) -> str:
        """Posts a message, in a thread if told; returns its ts. `files` are pairs of name and bytes.

        A reply is also sent to the channel where it is `broadcast`.
        """
        workspace = self._workspace
        person, place = self._writing(user, channel)
        if not text.strip() and not files:
            raise CannotDo("Type something first.")
        root = self._seen(person, place, thread_ts) if thread_ts else None
        uploads = [workspace.new_file(name, person.id, len(data), data) for name, data in files]
        message = Message(
            ts=workspace.next_ts(),
            channel=place.id,
            user=person.id,
            text=composed(workspace.state, text),
            thread_ts=(root.thread_ts or root.ts) if root else None,
            files=uploads,
            subtype="file_share" if uploads else "thread_broadcast" if root and broadcast else None,
        )
        return workspace.post(message).ts

    def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        person, place = self._writing(user, channel)
        message = self._seen(person, place, ts)
        if message.user != person.id:
            raise CannotDo("People can edit only their own messages.")
        self._workspace.edit(message, composed(self._workspace.state, text), [])

    def react(self, user: str, channel: str, ts: str, name: str) -> None:
        person, place = self._writing(user, channel)
        if not self._workspace.react(self._seen(person, place, ts), person.id, name.strip(":")):
            raise CannotDo(f"{person.name} has already reacted with :{name.strip(':')}:.")

    async def slash(self, user: str, channel: str, text: str, command: str = "/task") -> str:
        """Uses a slash command; returns what the person then sees.

        That is the app's answer, "" for none, or Slack's line, which holds `operation_timeout` when the
        app did not acknowledge within three seconds and `dispatch_failed` when it was not connected.
        """
        workspace, grants = self._workspace, self._workspace.grants
        person, place = self._writing(user, channel)
        if command not in grants.commands or "commands" not in grants.scopes:
            return notice(workspace, place.id, person.id, f"{command} is not a valid command.").text
        typed = command_text(workspace.state, text, escape_names=grants.commands[command])
        payload = payloads.command(workspace, person, place, command, typed)
        envelope = await workspace.delivery.answer(workspace.delivery.send("slash_commands", payload))
        return self._answered(envelope, person, place, command)

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: str | None = None,
        block_id: str | None = None,
    ) -> str:
        """Uses a button or menu of a message; returns "" or Slack's warning, as for a command."""
        workspace = self._workspace
        person, place = self._writing(user, channel)
        message = self._seen(person, place, ts)
        if not workspace.grants.interactive:
            raise CannotDo("Interactivity is off in the manifest: turn on settings.interactivity.")
        action = chosen(message.blocks, action_id, value, block_id)
        if action is None:
            raise CannotDo(f"That message has no control {action_id} with that value.")
        payload = payloads.press_in_message(workspace, person, place, message, action)
        envelope = await workspace.delivery.answer(workspace.delivery.send("interactive", payload))
        return self._answered(envelope, person, place, "This action")

    def open_home(self, user: str, tab: Tab = "home") -> Json | None:
        """Opens the app at that tab; returns the Home view, or None while nothing is published.

        The Messages tab is the person's direct message with the app and shows no view.
        """
        workspace = self._workspace
        person = self.person(user)
        if tab == "home" and not workspace.grants.home_tab:
            raise CannotDo("The Home tab is off in the manifest: turn on features.app_home.home_tab_enabled.")
        if tab == "messages" and not workspace.grants.messages_tab:
            raise CannotDo(
                "The Messages tab is off in the manifest: turn on features.app_home.messages_tab_enabled."
            )
        view = workspace.state.home.get(person.id) if tab == "home" else None
        channel = workspace.open_dm(person.id).id
        workspace.events.home_opened(person.id, channel, workspace.next_ts(), tab, view)
        return view

    def stop(self, user: str, channel: str, thread_ts: str) -> None:
        """Presses Stop on the session in a thread: what streams there ends, and the app is told."""
        workspace = self._workspace
        person, place, root = self.message(user, channel, thread_ts)
        if not workspace.stoppable(place.id, root.ts):
            raise CannotDo("Nothing there can be stopped.")
        streams = [m for m in workspace.state.thread(place.id, root.ts) if m.is_streaming(workspace.now())]
        for message in streams:
            if message.stream is not None:
                message.stream.stopped_by_user = True
        workspace.state.touch()
        told = [message.ts for message in streams]
        workspace.events.session_stopped(place.id, root.ts, person.id, told, workspace.next_ts())

    def message(self, user: str, channel: str, ts: str) -> tuple[User, Channel, Message]:
        """A message as that person, who is in its channel, sees it."""
        person, place = self._writing(user, channel)
        return person, place, self._seen(person, place, ts)

    def open_dm(self, user: str) -> str:
        """The id of the person's direct message with the app."""
        return self._workspace.open_dm(self.person(user).id).id

    def _writing(self, user: str, channel: str) -> tuple[User, Channel]:
        person = self.person(user)
        place = self.channel(person, channel)
        grants = self._workspace.grants
        if person.id not in place.members:
            raise CannotDo(f"{person.name} is not in #{place.name}. Choose a channel they are in.")
        if place.archived:
            raise CannotDo(f"#{place.name} is archived.")
        if place.kind == "dm" and (not grants.messages_tab or grants.messages_tab_read_only):
            raise CannotDo("Sending messages to this app has been turned off in the manifest.")
        return person, place

    def _seen(self, person: User, place: Channel, ts: str) -> Message:
        message = self._workspace.state.seen_by(person.id, place.id, ts)
        if message is None:
            raise CannotDo(f"{person.name} sees no message {ts} in {place.name}.")
        return message

    def _answered(self, envelope: Envelope, person: User, place: Channel, what: str) -> str:
        if envelope.state in NOT_DONE:
            return self._failed(place, person, what, NOT_DONE[envelope.state])
        payload = envelope.ack or {}
        if envelope.type != "slash_commands" or not (payload.get("text") or payload.get("blocks")):
            return ""
        try:
            said = content(payload)
        except Refusal:
            return self._failed(place, person, what, "invalid_command_response")
        answer = self._workspace.answer_command(
            place.id, person.id, {**payload, "text": said.text}, said.blocks
        )
        return visible(answer)

    def _failed(self, place: Channel, person: User, what: str, error: str) -> str:
        return notice(self._workspace, place.id, person.id, f'{what} failed with the error "{error}"').text
