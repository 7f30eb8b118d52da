"""Refusals in words: what, why and who can help; nobody is called, and no name is taken as form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import Act, Reason, Refusal, Request
from bot.slacktext import escape
from bot.views.gate import check
from bot.views.message import Message
from bot.views.rights import why

NEW, OLD = Request(Act.RUN, channel="COPS00001"), Request(Act.RUN, task=42)
FORM = Request(Act.RUN, channel="COPS00001", parent=42)
SCRIPT = Request(Act.RUN, script="status")


@pytest.mark.parametrize(
    ("refusal", "names", "more", "words"),
    [
        (Refusal(Reason.OPERATORS, NEW), ["sam"], 0, "only operators may do that. Ask sam."),
        (Refusal(Reason.OPERATORS, NEW), [], 0, "only operators may do that. Ask one of them."),
        (
            Refusal(Reason.OPERATORS, NEW),
            ["a", "b", "c", "d"],
            2,
            "only operators may do that. Ask a, b, c or one of 3 more.",
        ),
        (
            Refusal(Reason.OPUS, NEW),
            ["sam", "kim"],
            0,
            "Opus is only for some people here. Send it as `p5`, or ask sam or kim to raise it.",
        ),
        (
            Refusal(Reason.OPUS, OLD),
            [],
            0,
            "Opus is only for some people here, and #42 would be that. Ask an operator.",
        ),
        (
            Refusal(Reason.URGENT, NEW, unsure=True),
            ["sam"],
            0,
            "p1 and p2 are only for some people here. Send it as `p3`, or ask sam to raise it. "
            "Slack does not tell me just now who may; try again in a few minutes.",
        ),
        (
            Refusal(Reason.NOT_THEIRS, OLD),
            ["ana", "sam"],
            0,
            "only the person who asked for #42, or an operator, may do that. Ask ana or sam.",
        ),
        (
            Refusal(Reason.NOT_THEIRS, OLD),
            [],
            0,
            "only the person who asked for #42, or an operator, may do that.",
        ),
        (
            Refusal(Reason.REQUESTERS, NEW),
            [],
            0,
            "you are not among those who may give me tasks. Ask an operator.",
        ),
        (Refusal(Reason.CHANNEL, NEW), ["ops"], 0, "tasks are taken only in direct messages and #ops."),
        (Refusal(Reason.CHANNEL, NEW), [], 0, "tasks are taken only in some channels and direct messages."),
        (Refusal(Reason.OPERATORS, SCRIPT), ["sam"], 0, "only operators may run `status`. Ask sam."),
        (Refusal(Reason.SCRIPT, SCRIPT), ["sam"], 0, "only sam may run `status`. Ask one of them."),
        (Refusal(Reason.SCRIPT, SCRIPT), [], 0, "only some people may run `status`. Ask one of them."),
        (
            Refusal(Reason.HIDDEN, FORM),
            [],
            0,
            "#42 was asked where you do not read along, as far as Slack tells me. "
            "Join that channel, or send it as a task of your own.",
        ),
        (Refusal(Reason.BOT, NEW), [], 0, "bots may give me nothing to do."),
    ],
)
def test_what_is_said(refusal: Refusal, names: list[str], more: int, words: str) -> None:
    assert why(refusal, names, more, 5) == words


NAMES = st.lists(
    st.sampled_from(["<!channel>", "<@UANA00001>", "@here", "*x*", "`", "\x1b[31m", "\n", "&", "ana"])
).map("".join)


@given(
    st.sampled_from(Reason),
    st.sampled_from([NEW, OLD, SCRIPT]),
    st.lists(NAMES | st.text()),
    st.integers(0, 9),
)
def test_no_name_calls_anybody_or_breaks_a_line(
    reason: Reason, request: Request, names: list[str], more: int
) -> None:
    told = escape(why(Refusal(reason, request), names, more, 5))
    assert "\n" not in told
    assert told.count("`") <= 2
    assert len(told) < 2_500
    check(Message(told))
