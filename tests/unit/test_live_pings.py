"""No message leaves with a ping that nobody chose, and none is cut into one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.views.gate import LivePing, check
from bot.views.message import Message, cut, is_person, markdown, plain_text, section
from tests.unit.messages import ANA, strangers


@pytest.mark.parametrize(
    "live",
    [
        Message("<!channel>"),
        Message("<!HERE|here>"),
        Message("ok", (section("<!subteam^S123>"),)),
        Message("ok", (markdown("hello @everyone"),)),
        Message("ok", (markdown("<\\!channel>"),)),
        Message("ok", (section(f"<@{ANA}>"),)),
        Message("ok", (section(f"<@{ANA}> <@UEVE00001>"),), ANA),
        Message("ok", (section(f"<@{ANA}>"), section(f"<@{ANA}>")), ANA),
        Message("ok", (section(f"<@{ANA}>|x>"), section("<@UANA0000")), ANA),
        Message("ok", ({"type": "rich_text", "elements": [{"type": "user", "user_id": ANA}]},)),
        Message("ok", ({"type": "rich_text", "elements": [{"type": "broadcast", "range": "here"}]},)),
        Message("ok", ({"type": "rich_text", "elements": [{"type": "usergroup", "usergroup_id": "S1"}]},)),
    ],
)
def test_the_gate_stops_every_live_ping(live: Message) -> None:
    with pytest.raises(LivePing):
        check(live)


@pytest.mark.parametrize(
    "words",
    ["List<int>", "<!DOCTYPE html>", "ana@here.com", "@heretic", "<https://a.b|@x>", "<!date^1^{time}|x>"],
)
def test_the_gate_lets_harmless_words_pass(words: str) -> None:
    check(Message(words, (section(words),)))


@given(strangers, st.integers(min_value=2, max_value=60))
@example("0<", 4)
def test_a_cut_text_ends_in_no_half_entity(words: str, limit: int) -> None:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    short = cut(escaped, limit)
    assert len(short) <= limit
    whole = short.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in whole


@given(strangers.map(lambda words: words * 20))
def test_a_texts_plain_words_are_safe_where_they_are_cut(words: str) -> None:
    check(Message(plain_text(words)))
    assert len(plain_text(words)) <= 3_900


def test_who_is_a_person_in_slack() -> None:
    assert [is_person(name) for name in ("UANA00001", "W012A", "cli:ana", "", "Ulrich")] == [
        True,
        True,
        False,
        False,
        False,
    ]
