"""What people do beside messages: shortcuts, forms, the Home tab."""

from collections.abc import Mapping
from typing import Any

from bot.rehearsal.slack import limits, payloads
from bot.rehearsal.slack.controls import chosen
from bot.rehearsal.slack.inputs import Unfit, kept_value, missing, stateful, with_values
from bot.rehearsal.slack.people import NOT_DONE, CannotDo, People
from bot.rehearsal.slack.state import Envelope, Json, User
from bot.rehearsal.slack.views import stored_view
from bot.rehearsal.slack.webapi.method import Refusal
from bot.rehearsal.slack.webapi.views import checked_view, replaced
from bot.rehearsal.slack.workspace import Workspace


class Forms:
    """Users are given by id or by name. What cannot be done raises `CannotDo` with what to do instead."""

    def __init__(self, workspace: Workspace, people: People) -> None:
        self._workspace = workspace
        self._people = people

    def modal(self, user: str) -> Json | None:
        """The view that person has before them, as Slack shows it to the app, or None."""
        stack = self._stack(self._people.person(user))
        return stack[-1] if stack else None

    def home(self, user: str) -> Json | None:
        """What the Home tab shows that person, without opening it; None while nothing is published."""
        return self._workspace.state.home.get(self._people.person(user).id)

    async def shortcut(self, user: str, callback_id: str) -> str:
        """Uses a global shortcut; returns "" or Slack's warning, as for a command."""
        person = self._people.person(user)
        self._declared("global", callback_id)
        return await self._told(payloads.global_shortcut(self._workspace, person, callback_id))

    async def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> str:
        """Uses a shortcut in the menu of a message; returns "" or Slack's warning."""
        person, place, message = self._people.message(user, channel, ts)
        self._declared("message", callback_id)
        if message.ephemeral_to is not None:
            raise CannotDo("A message that only you see has no shortcuts.")
        return await self._told(
            payloads.message_shortcut(self._workspace, person, place, message, callback_id)
        )

    async def press_home(
        self, user: str, action_id: str, value: Any = None, block_id: str | None = None
    ) -> str:
        """Uses a control of the Home tab; returns "" or Slack's warning."""
        person = self._people.person(user)
        view = self.home(user)
        if view is None:
            raise CannotDo("The Home tab shows nothing yet.")
        return await self._press(person, view, action_id, value, block_id)

    async def press_modal(
        self, user: str, action_id: str, value: Any = None, block_id: str | None = None
    ) -> str:
        """Uses a control of the open form; returns "" or Slack's warning."""
        person = self._people.person(user)
        return await self._press(person, self._top(person), action_id, value, block_id)

    async def submit(self, user: str, values: Mapping[str, Any] | None = None) -> Json:
        """Sends the open form, filled in by action_id: text, the value of an option, a list of them, an id.

        Returns {"errors": {block_id: words}, "text": ""}; with errors the form stays open. `text` is Slack's
        line where the app did not answer in time or not as it must; then too the form stays open.
        """
        person = self._people.person(user)
        view = self._top(person)
        if view["submit"] is None:
            raise CannotDo("This form has nothing to send. Close it.")
        try:
            filled = with_values(view, values or {})
        except Unfit as unfit:
            raise CannotDo(str(unfit)) from None
        empty = missing(view, filled)
        if empty:
            raise CannotDo(f"Fill in {', '.join(empty)}.")
        view["state"] = {"values": filled}
        self._workspace.state.touch()
        envelope = await self._sent(payloads.submission(self._workspace, person, view))
        if envelope.state in NOT_DONE:
            return _trouble(NOT_DONE[envelope.state])
        return self._answered(person, view, envelope.ack or {})

    async def close(self, user: str, *, all_of_them: bool = False) -> None:
        """Closes the open form without sending it, or with `all_of_them` everything below it too.

        The app is told of a view that asked for it with `notify_on_close`.
        """
        person = self._people.person(user)
        view = self._top(person)
        stack = self._stack(person)
        cleared = all_of_them or view["clear_on_close"]
        gone = list(reversed(stack)) if cleared else [view]
        del stack[-len(gone) :]
        self._workspace.state.touch()
        for each in gone:
            if each["notify_on_close"]:
                await self._sent(payloads.closed(self._workspace, person, each, cleared=cleared))

    def _answered(self, person: User, view: Json, answer: Json) -> Json:
        """Does what the app answered to a form that was sent."""
        stack = self._stack(person)
        at = next((n for n, each in enumerate(stack) if each["id"] == view["id"]), None)
        action = answer.get("response_action")
        if at is None:
            return {"errors": {}, "text": ""}
        match action:
            case None if not answer:
                del stack[at]
            case "clear":
                stack.clear()
            case "errors":
                return self._errors(view, answer.get("errors"))
            case "update" | "push":
                return self._shown(stack, at, action, answer.get("view"))
            case _:
                return _trouble("invalid_response")
        self._workspace.state.touch()
        return {"errors": {}, "text": ""}

    def _errors(self, view: Json, errors: object) -> Json:
        inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
            return _trouble("invalid_response")
        return {"errors": errors, "text": ""}

    def _shown(self, stack: list[Json], at: int, action: str, given: object) -> Json:
        workspace, view = self._workspace, stack[at]
        if action == "push" and len(stack) >= limits.VIEW_STACK:
            return _trouble("push_limit_reached")
        try:
            new = checked_view(workspace, given, "modal", replaces=view if action == "update" else None)
        except Refusal:
            return _trouble("invalid_response")
        if action == "update":
            stack[at] = replaced(workspace, view, new)
        else:
            stack.append(stored_view(workspace.state, new, workspace.number(), below=view))
        workspace.state.touch()
        return {"errors": {}, "text": ""}

    async def _press(self, person: User, view: Json, action_id: str, value: Any, block_id: str | None) -> str:
        action = chosen(view["blocks"], action_id, value, block_id)
        if action is None:
            raise CannotDo(f"That view has no control {action_id} with that value.")
        for block in view["blocks"]:
            for element in stateful(block):
                if (block["block_id"], element["action_id"]) == (action["block_id"], action_id):
                    view["state"]["values"][block["block_id"]][action_id] = kept_value(element, value)
        return await self._told(payloads.press_in_view(self._workspace, person, view, action))

    def _stack(self, person: User) -> list[Json]:
        return self._workspace.state.modals.setdefault(person.id, [])

    def _top(self, person: User) -> Json:
        stack = self._stack(person)
        if not stack:
            raise CannotDo(f"{person.name} has no form open.")
        return stack[-1]

    def _declared(self, kind: str, callback_id: str) -> None:
        grants = self._workspace.grants
        known = [each.callback_id for each in grants.shortcuts if each.kind == kind]
        if callback_id not in known or "commands" not in grants.scopes:
            raise CannotDo(f"The manifest declares no {kind} shortcut {callback_id}.")

    async def _sent(self, payload: Json) -> Envelope:
        workspace = self._workspace
        if not workspace.grants.interactive:
            raise CannotDo("Interactivity is off in the manifest: turn on settings.interactivity.")
        return await workspace.delivery.answer(workspace.delivery.send("interactive", payload))

    async def _told(self, payload: Json) -> str:
        envelope = await self._sent(payload)
        return _trouble(NOT_DONE[envelope.state])["text"] if envelope.state in NOT_DONE else ""


def _trouble(error: str) -> Json:
    return {"errors": {}, "text": f'We had some trouble connecting: "{error}". Try again.'}
