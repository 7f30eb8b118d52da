"""views.*: modals, opened by a trigger id and stacked three high, and the Home tab."""

from typing import Any

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.shapes import Misshapen
from bot.rehearsal.slack.state import Json
from bot.rehearsal.slack.triggers import BadTrigger
from bot.rehearsal.slack.views import TooLarge, check_view, stored_view
from bot.rehearsal.slack.webapi.method import Method, Refusal
from bot.rehearsal.slack.workspace import Workspace


def open_view(workspace: Workspace, args: Json) -> Json:
    user = _triggered(workspace, args)
    view = checked_view(workspace, args["view"], "modal")
    stored = stored_view(workspace.state, view, workspace.number())
    workspace.state.modals[user] = [stored]
    workspace.state.touch()
    return {"view": stored}


def push(workspace: Workspace, args: Json) -> Json:
    user = _triggered(workspace, args)
    stack = workspace.state.modals.get(user, [])
    if not stack:
        raise Refusal("not_found")
    if len(stack) >= limits.VIEW_STACK:
        raise Refusal("push_limit_reached")
    view = checked_view(workspace, args["view"], "modal")
    stored = stored_view(workspace.state, view, workspace.number(), below=stack[-1])
    stack.append(stored)
    workspace.state.touch()
    return {"view": stored}


def update(workspace: Workspace, args: Json) -> Json:
    stack, n = _open_view(workspace, args)
    old = stack[n]
    if args.get("hash") not in (None, old["hash"]):
        raise Refusal("hash_conflict")
    view = checked_view(workspace, args["view"], "modal", replaces=old)
    stack[n] = replaced(workspace, old, view)
    workspace.state.touch()
    return {"view": stack[n]}


def publish(workspace: Workspace, args: Json) -> Json:
    if not workspace.grants.home_tab:
        raise Refusal("not_enabled")
    user = str(args["user_id"])
    if user not in workspace.state.users:
        raise Refusal("user_not_found")
    old = workspace.state.home.get(user)
    if args.get("hash") not in (None, old and old["hash"]):
        raise Refusal("hash_conflict")
    view = checked_view(workspace, args["view"], "home", replaces=old)
    stored = stored_view(workspace.state, view, workspace.number(), id_=old["id"] if old else None)
    workspace.state.home[user] = stored
    workspace.state.touch()
    return {"view": stored}


def checked_view(workspace: Workspace, view: Any, kind: str, replaces: Json | None = None) -> Json:
    """The view as sent; raises `Refusal` for what Slack would not show."""
    try:
        check_view(view, kind)
    except TooLarge:
        raise Refusal("view_too_large") from None
    except Misshapen as wrong:
        messages = [f"[ERROR] {wrong}"]
        raise Refusal("invalid_arguments", response_metadata={"messages": messages}) from None
    named = view.get("external_id")
    taken = [v for v in _all(workspace) if v is not replaces and v["external_id"] == named]
    if named and taken:
        raise Refusal("duplicate_external_id")
    found: Json = view
    return found


def replaced(workspace: Workspace, old: Json, view: Json) -> Json:
    """The view in the place of the old one, with what was filled in where a field is still there."""
    new = stored_view(workspace.state, view, workspace.number(), id_=old["id"])
    new |= {name: old[name] for name in ("root_view_id", "previous_view_id")}
    for block, values in new["state"]["values"].items():
        before = old["state"]["values"].get(block, {})
        same = {name: before[name] for name in values if name in before}
        values |= {name: kept for name, kept in same.items() if kept["type"] == values[name]["type"]}
    return new


def _all(workspace: Workspace) -> list[Json]:
    stacks = workspace.state.modals.values()
    return [*workspace.state.home.values(), *(view for stack in stacks for view in stack)]


def _triggered(workspace: Workspace, args: Json) -> str:
    try:
        return workspace.triggers.spend(str(args["trigger_id"]), workspace.now())
    except BadTrigger as bad:
        raise Refusal(str(bad)) from None


def _open_view(workspace: Workspace, args: Json) -> tuple[list[Json], int]:
    wanted = {"id": args.get("view_id"), "external_id": args.get("external_id")}
    if not any(wanted.values()):
        raise Refusal("invalid_arguments")
    for stack in workspace.state.modals.values():
        for n, view in enumerate(stack):
            if any(value and view[name] == value for name, value in wanted.items()):
                return stack, n
    raise Refusal("not_found")


METHODS = {
    "views.open": Method(open_view, ("trigger_id", "view"), (), (), 4),
    "views.push": Method(push, ("trigger_id", "view"), (), (), 4),
    "views.update": Method(update, ("view",), ("view_id", "external_id", "hash"), (), 4),
    "views.publish": Method(publish, ("user_id", "view"), ("hash",), (), 4),
}
