import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slacktext import code, escape, inline, mentioned, neutralise, plain, visible

PING = re.compile(
    r"<!(?:channel|here|everyone|group|subteam)|<@[UWB]|<#C|(?<![a-z0-9])@(?:channel|here|everyone|group)(?![a-z0-9])",
    re.IGNORECASE,
)
FRAGMENTS = (
    *("<!channel>", "<!HERE>", "<!everyone|x>", "<!subteam^S1|@team>", "<@U1>", "<@W2|ana>", "<#C3|ops>"),
    *("@channel", "@Here", "@EVERYONE", "@group", "@", "<", "<!", "<\\!here>", "!", "channel", "here>", "U1"),
    *(
        "\u200b",
        "\u200c",
        "\u00ad",
        "\x00",
        "\x1b[0m",
        "\x1b]0;t\x07",
        "\x1b",
        "[",
        "\r",
        "\n",
        "\u202e",
        " ",
    ),
    *("&", "&amp;", "`", "*", "_", "~", ">", "a", "é", "🙂", ".", "\u2028", "\ud800"),
)
nasty = st.lists(st.sampled_from(FRAGMENTS)).map("".join) | st.text()


@pytest.mark.parametrize(
    ("slack", "typed"),
    [
        ("<@U1|ana> and <@U1> and <@U1|>", "@ana and @U1 and @U1"),
        ("<#C1|ops> and <#C1> and <#C1|>", "#ops and #C1 and #C1"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@team> <!subteam^S1|team> <!subteam^S1>", "@team @team @S1"),
        ("at <!date^1392734382^{date}|18 February>", "at 18 February"),
        ("<https://example.com/a>", "https://example.com/a"),
        ("<http://example.com|example.com>", "http://example.com"),
        ("<https://example.com/|example.com>", "https://example.com/"),
        ("<https://example.com|https://example.com>", "https://example.com"),
        ("<https://example.com/a?b=1&amp;c=2|the page>", "the page (https://example.com/a?b=1&c=2)"),
        ("<mailto:ana@example.com|ana@example.com>", "ana@example.com"),
        ("<mailto:ana@example.com|Ana>", "Ana (ana@example.com)"),
        ("<tel:+123|+123>", "+123"),
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&amp;lt; is how &lt; is written", "&lt; is how < is written"),
        ("&lt;@U1&gt; stays", "<@U1> stays"),
        ("<> <|x> <@> <!x> <x> < y", "<> <|x> <@> <!x> <x> < y"),
    ],
)
def test_plain_is_what_the_person_typed(slack: str, typed: str) -> None:
    assert plain(slack) == typed


@given(st.text(alphabet=st.characters(exclude_characters="<>")))
def test_plain_unescapes_exactly_once(typed: str) -> None:
    assert plain(typed.replace("&", "&amp;")) == typed


@given(st.lists(st.sampled_from("<>@#!|^&;: abS1")).map("".join))
def test_plain_never_raises(slack: str) -> None:
    assert isinstance(plain(slack), str)


@pytest.mark.parametrize(
    ("slack", "rest"),
    [
        ("<@B1> p3 x", " p3 x"),
        ("  \n<@B1|onequeue> p3 x", " p3 x"),
        ("<@B1>: p3 x", " p3 x"),
        ("<@B1>, p3 x", " p3 x"),
        ("<@B1>", ""),
        ("<@B1>:tada: x", ":tada: x"),
        ("<@B1> <@U2> x", " <@U2> x"),
        ("hello <@B1>", None),
        ("<@B12> x", None),
        ("&lt;@B1&gt; x", None),
        ("", None),
    ],
)
def test_only_a_leading_mention_counts(slack: str, rest: str | None) -> None:
    assert mentioned(slack, "B1") == rest


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html> List<int> <https://example.com|x> a<b",
        "mail ana@here.com and me@group.io, ask @ana, @channels, @everyoneelse",
        "tab\there\nand a new line, naïve 🙂 \u200d",
    ],
)
def test_technical_text_stays(text: str) -> None:
    assert neutralise(text) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("<!channel>", "<\u200b!channel>"),
        ("<!Here|x>", "<\u200b!Here|x>"),
        ("<\\!here>", "<\u200b\\!here>"),
        ("<@U1> <@w2> <#C3>", "<\u200b@U1> <\u200b@w2> <\u200b#C3>"),
        ("(@Channel) _@here_ `@everyone`", "(@\u200bChannel) _@\u200bhere_ `@\u200beveryone`"),
        ("<\x00!chan\x1b[31mnel>", "<\u200b!channel>"),
        ("@\u202echannel", "@\u200bchannel"),
    ],
)
def test_pings_are_broken(text: str, safe: str) -> None:
    assert neutralise(text) == safe


@given(nasty)
def test_no_ping_is_live_and_only_a_zero_width_space_is_added(text: str) -> None:
    safe = neutralise(text)
    assert not PING.search(safe)
    assert safe.replace("\u200b", "") == visible(text).replace("\u200b", "")
    assert neutralise(safe) == safe


@given(nasty)
def test_visible_text_has_no_controls(text: str) -> None:
    seen = visible(text)
    assert visible(seen) == seen
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2066-\u2069\ud800-\udfff]", seen)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07x \x1b(Bplain", "red x plain"),
        ("\x9b31mred", "red"),
        ("a\r\nb\rc\x0cd\u2028e", "a\nb\nc\nd\ne"),
        ("\x1b]no end\nnext", "no end\nnext"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_terminal_codes_go_and_lines_stay(text: str, seen: str) -> None:
    assert visible(text) == seen


@given(nasty)
def test_escaped_text_is_read_back_as_the_safe_text(text: str) -> None:
    escaped = escape(text)
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", escaped)
    assert plain(escaped) == neutralise(text)


@given(nasty, st.integers(1, 60))
def test_inline_fits_in_a_line_of_ours(text: str, limit: int) -> None:
    line = inline(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert not PING.search(plain(line))
    assert not re.search(r"[*~`<>]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?!amp;|lt;|gt;)", line)


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        ("tidy\n  the wiki ", 150, "tidy the wiki"),
        ("*fix* user_id in `_x_`", 150, "∗fix∗ user_id in ˋˍxˍˋ"),
        ("a < b && c", 150, "a &lt; b &amp;&amp; c"),
        ("one two three", 8, "one two…"),
        ("&&&&", 11, "&amp;&amp;…"),
        ("&&&&", 1, "…"),
        ("snake_case", 7, "snakeˍ…"),
        ("@channels", 11, "@channels"),
    ],
)
def test_inline_reads_well(text: str, limit: int, line: str) -> None:
    assert inline(text, limit) == line


def test_a_cut_bares_no_ping() -> None:
    cut = [inline("x @channels, @hereafter", limit) for limit in range(1, 24)]
    assert "x @channels…" in cut
    assert not [line for line in cut if PING.search(line)]


@given(nasty, st.integers(3, 60))
def test_code_is_one_span(text: str, limit: int) -> None:
    span = code(text, limit)
    assert len(span) <= limit
    assert span[0] == span[-1] == "`"
    assert not re.search(r"[`<>\n]|&(?!amp;|lt;|gt;)", span[1:-1])


def test_code_can_be_copied() -> None:
    assert code("p3 fix *a_b* ~ now", 60) == "`p3 fix *a_b* ~ now`"
