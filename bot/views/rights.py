"""Why somebody may not do something, and who can help, in words. Pure.

Plain text, to be escaped by whoever shows it. People are named, never called.
"""

from collections.abc import Sequence
from typing import Final

from bot.access import Act, Reason, Refusal
from bot.slacktext import visible

_NAMED: Final = 3
_NAME_LIMIT: Final = 80
_LOOKALIKES: Final = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})


def beginning(act: Act) -> str:
    """How it begins that something was refused."""
    return "Not shown" if act is Act.READ else "Nothing done"


def why(refusal: Refusal, names: Sequence[str], more: int, instead: int) -> str:
    """Why not, and what to do, as the rest of a sentence.

    `names` are of people who can help, with `more` beside them, or of the channels where tasks are taken.
    `instead` is the most urgent priority that does not go to Opus.
    """
    said = _said(refusal, names, more, instead)
    if refusal.unsure:
        return f"{said} Slack does not tell me just now who may; try again in a few minutes."
    return said


def _said(refusal: Refusal, names: Sequence[str], more: int, instead: int) -> str:
    request = refusal.request
    ask = _ask(names, more)
    match refusal.reason:
        case Reason.BOT:
            return "bots may give me nothing to do."
        case Reason.NO_MEMBER:
            helped = ask or "Ask somebody of the team."
            return f"guests and people of other companies may not do that here. {helped}"
        case Reason.SHARED_CHANNEL:
            return _in_shared_channel(request.task)
        case Reason.CHANNEL:
            where = " and ".join(["direct messages", *(f"#{_name(name)}" for name in names)])
            return f"tasks are taken only in {where if names else 'some channels and direct messages'}."
        case Reason.NOT_THEIRS:
            whose = f"only the person who asked for #{request.task}, or an operator, may do that."
            return f"{whose} {ask}".rstrip()
        case Reason.HIDDEN:
            where = f"#{request.parent} was asked where you do not read along, as far as Slack tells me"
            return f"{where}. Join that channel, or send it as a task of your own."
        case Reason.OPERATORS:
            what = f"run `{request.script}`" if request.script else "do that"
            return f"only operators may {what}. {ask or 'Ask one of them.'}"
        case Reason.REQUESTERS:
            return f"you are not among those who may give me tasks. {ask or 'Ask an operator.'}"
        case Reason.URGENT:
            return _for_some("p1 and p2 are", "`p3`", request.task, names, more)
        case Reason.OPUS:
            return _for_some("Opus is", f"`p{instead}`", request.task, names, more)
        case Reason.SCRIPT:
            return f"only {_who(names, more) or 'some people'} may run `{request.script}`. Ask one of them."


def _in_shared_channel(task: int | None) -> str:
    if task is None:
        return (
            "people of another company read this channel, so I take no tasks here. "
            "Ask in a channel of your own team or write me a direct message."
        )
    return (
        f"people of another company read the channel of #{task}, so nothing runs there. "
        "Send it as a new task in a channel of your own team or in a direct message."
    )


def _for_some(what: str, instead: str, task: int | None, names: Sequence[str], more: int) -> str:
    someone = _who(names, more, last=" or ") or "an operator"
    if task is None:
        return f"{what} only for some people here. Send it as {instead}, or ask {someone} to raise it."
    return f"{what} only for some people here, and #{task} would be that. Ask {someone}."


def _ask(names: Sequence[str], more: int) -> str:
    who = _who(names, more, last=" or ")
    return f"Ask {who}." if who else ""


def _who(names: Sequence[str], more: int, last: str = " and ") -> str:
    shown = [_name(name) for name in names[:_NAMED]]
    left = len(names) - len(shown) + more
    if left and shown:
        shown.append(f"{'one of ' if last == ' or ' else ''}{left} more")
    *first, end = shown or [""]
    return f"{', '.join(first)}{last}{end}" if first else end


def _name(name: str) -> str:
    shown = " ".join(visible(name).translate(_LOOKALIKES).split())
    return shown if len(shown) <= _NAME_LIMIT else shown[: _NAME_LIMIT - 1] + "…"
