import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.markdown import ITEMS_LIMIT, PARTS_LIMIT, TEXT_LIMIT, render, split
from bot.slacktext import neutralise

PING = re.compile(
    r"<!(?:channel|here|everyone|group|subteam)|<@[UWB]|<#C|(?<![a-z0-9])@(?:channel|here|everyone|group)(?![a-z0-9])",
    re.IGNORECASE,
)
SMALL = 1_000

prose = st.sampled_from(
    [
        *("A sentence.", "- a point\n- another", "1. first\n2. second", "> quoted", "    indented code", ""),
        *("# Heading", "## Heading\n\nwith text", "Heading\n===", "---", "* * *", "``` not `a fence"),
        *(
            "@channel <!here>",
            "<@U1> @every\u200bone",
            "<!chan\u200bnel>",
            "🙂 naïve \u202e text",
            "a ``` b ~~~ c",
        ),
        *("word " * 400, "x" * 1500, "<@U1>" * 300, "a@here.com " * 150, "x@here.com" * 150, "#" * 1500),
        *("~ " * 700, "\n\n\n", "w ```" * 300, "``` " + "w " * 700 + "`", "# " + "long " * 400, "| no table"),
    ]
)
code_line = st.sampled_from(
    [
        *("x = 1", "# not a heading", "---", "| a | b |", "", "  indented", "``", "~~", "@here <!channel>"),
        *("y " * 600, "z" * 1100, "``` " + "q " * 600 + "`", "```" + " " * 1200 + "q`", "q ```" * 250),
    ]
)


@st.composite
def fences(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from(["```", "~~~", "````", "~~~~~"]))
    info = draw(st.sampled_from(["", "python", "sh title='x y'"]))
    nested = draw(st.sampled_from([[], ["```", "nested", "```"], ["~~~"]])) if len(mark) > 3 else []
    lines = draw(st.lists(code_line, max_size=4)) + ["a short line"] * draw(st.sampled_from([0, 3, 100]))
    closing = draw(st.sampled_from([[mark], [mark + mark[0]], [mark + " " * 1200], []]))
    before = draw(st.sampled_from(["", "", "> ", "  "]))
    return "\n".join(before + line for line in [mark + info, *nested, *lines, *closing])


@st.composite
def tables(draw: st.DrawFn) -> str:
    columns = draw(st.integers(1, 4))
    header = "| " + " | ".join(["head"] * columns) + " |\n|" + " :--- |" * columns
    cell, rows = draw(st.sampled_from([("1", 0), ("1", 130), ("a longer cell", 30), ("w" * 700, 3)]))
    return "\n".join([header, *(f"| {' | '.join([cell + str(row)] * columns)} |" for row in range(rows))])


texts = st.lists(prose | fences() | tables(), max_size=6).map("\n\n".join)
loose_line = st.sampled_from(
    ["```", "~~~~", "> ```", "> > ~~~", "```py", "   ```", "`" * 150, "~" * 1500, "|-|"]
)
soups = st.lists(prose | code_line | loose_line, max_size=15).map("\n".join)


def read_fences(text: str) -> tuple[list[str], list[str], bool]:
    """Lines in fences, lines outside, and whether a fence is open at the end of a message read by itself."""
    inside: list[str] = []
    outside: list[str] = []
    depth, mark = 0, ""
    for line in text.split("\n"):
        quoted = re.match("(?: {0,3}> ?)" * depth, line)
        if mark and quoted:
            bare = line[quoted.end() :]
            if re.fullmatch(rf" {{0,3}}{re.escape(mark)}{re.escape(mark[0])}*[ \t]*", bare):
                mark = ""
            else:
                inside.append(bare)
            continue
        opened = re.match(r"((?: {0,3}> ?)*) {0,3}(`{3,}(?=[^`]*$)|~{3,})", line)
        depth, mark = (opened[1].count(">"), opened[2]) if opened else (0, "")
        if not opened:
            outside.append(line)
    return inside, outside, mark != ""


def squeezed(lines: Sequence[str]) -> str:
    return re.sub(r"[\s\u200b>]", "", "".join(lines))


def tells_all(text: str, parts: Sequence[str]) -> bool:
    """Whether the parts hold all of the text in order, and else only fence lines and table headers."""
    whole = squeezed([neutralise(text)])
    lines = [line for line in text.split("\n") if "head |" in line or ":--- |" in line]
    headers = {squeezed([line]) for line in lines}
    reached = {0}
    for line in "\n".join(parts).split("\n"):
        told = squeezed([line])
        further = {at + len(told) for at in reached if whole.startswith(told, at)}
        repeats = told in headers or re.match(r"`{3,}|~{3,}", told) is not None
        reached = further | reached if repeats else further
    return len(whole) in reached


@given(texts)
def test_no_text_is_lost(text: str) -> None:
    parts = split(text, SMALL, 5)
    assert tells_all(text, parts)
    assert not [part for part in parts if not part.strip()]


@given(texts)
def test_code_stays_code(text: str) -> None:
    inside, _, _ = read_fences(neutralise(text))
    parts = [read_fences(part)[0] for part in split(text, SMALL, 5)]
    assert squeezed([line for part in parts for line in part]) == squeezed(inside)


@given(texts | soups, st.sampled_from([SMALL, 1_717, 11_000]), st.sampled_from([1, 7, 40]))
def test_every_part_keeps_the_limits_and_stands_alone(text: str, limit: int, items: int) -> None:
    for part in split(text, limit, items):
        _, outside, is_open = read_fences(part)
        assert len(part) <= limit
        assert not is_open
        assert not PING.search(part)
        counted = [
            line for line in outside if re.match(r" {0,3}(?:#{1,6}(?: |$)|-+ *$|=+ *$|\* \* \*$)", line)
        ]
        assert len(counted) + sum(":--- |" in line for line in outside) <= items


@given(texts | soups)
def test_an_answer_is_at_most_three_parts_or_a_beginning_and_a_document(text: str) -> None:
    rendered = render(text)
    assert 1 <= len(rendered.parts) <= PARTS_LIMIT
    assert all(0 < len(part) <= TEXT_LIMIT for part in rendered.parts)
    assert not [part for part in rendered.parts if PING.search(part) or read_fences(part)[2]]
    if rendered.document is not None:
        assert rendered.document == neutralise(text)
        assert rendered.parts[0].endswith("\n\nThis is the beginning. The whole answer is in the file.")


def test_a_short_answer_is_one_part_as_it_is() -> None:
    text = (
        "# Stall\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nx = 1\n```\n\n1. one\n   ```sh\n   ls\n   ```"
    )
    assert split(text) == (text,)
    assert render(text).parts == (text,)
    assert render(text).document is None


@pytest.mark.parametrize("text", ["", " \n\t\n", "\x1b[0m\x00", "\u2028"])
def test_an_answer_without_text_says_so(text: str) -> None:
    assert split(text) == ()
    assert render(text).parts == ("The model returned no text.",)


def test_a_fence_that_is_left_open_is_closed() -> None:
    assert split("so:\n~~~~py\nx = 1\n~~~") == ("so:\n~~~~py\nx = 1\n~~~\n~~~~",)
    assert split("> ```\n> x") == ("> ```\n> x\n> ```",)


def test_a_long_fence_is_closed_and_opened_again_the_same() -> None:
    code = [f"line {number:04}" for number in range(250)]
    first, second, third = split("\n".join(["~~~~sh -e", *code, "~~~~", "after"]), SMALL)
    assert first.startswith("~~~~sh -e\nline 0000\n")
    assert [part.split("\n")[0] for part in (second, third)] == ["~~~~sh -e"] * 2
    assert [part.split("\n")[-1] for part in (first, second)] == ["~~~~"] * 2
    assert third.endswith("\n~~~~\nafter")


@pytest.mark.parametrize("opening", ["- ```py", "1. ```py", "> ```py", "   ```py"])
def test_a_fence_in_a_list_or_quote_keeps_its_place(opening: str) -> None:
    before = opening[:-5] if opening[0] == ">" else " " * len(opening[:-5])
    code = [f"{before}line {number:04}" for number in range(100)]
    first, second = split("\n".join([opening, *code, f"{before}```"]), SMALL)
    assert first.startswith(f"{opening}\n{before}line 0000")
    assert first.endswith(f"\n{before}```")
    assert second.startswith(f"{before}```py\n{before}line")
    assert second.endswith(f"{before}line 0099\n{before}```")


def test_code_that_falls_out_of_a_list_ends_its_fence() -> None:
    text = "- ```\n  x\nprose, no code\n```\ncode"
    assert split(text) == ("- ```\n  x\n  ```\nprose, no code\n```\ncode\n```",)


@pytest.mark.parametrize(
    "text",
    [
        "    ```\n    indented code",
        "- a point\n\n      ```\n      indented code in it",
        "- - -\n  ```\nx\n  ```\nno list",
        "- a point\n\n> ```\n> x\n> ```\n\n  ```\nno list\n  ```",
        "-\n  ```\n  x\n  ```",
        "-      ```\n       indented code",
        "> - a point\n\n  ```\nno list\n  ```",
        "```\n    ```\nx\n```",
        "| a |\n|---|\n| 1 |\n# not a row | of it",
    ],
)
def test_what_is_no_fence_or_is_closed_stays_as_it_is(text: str) -> None:
    assert split(text) == (text.strip("\n"),)


def test_a_fence_goes_whole_to_the_next_part() -> None:
    fence = "```\n" + "x\n" * 100 + "```"
    assert split("word " * 180 + "\n\n" + fence, SMALL)[1] == fence


def test_a_long_table_repeats_its_header() -> None:
    header = "| tier | cost |\n|------|-----:|"
    rows = [f"| opus | ${number:04} |" for number in range(100)]
    parts = split("\n".join(["So:", "", header, *rows, "", "after"]), SMALL)
    assert parts[0].startswith(f"So:\n\n{header}\n{rows[0]}")
    assert all(part.startswith(f"{header}\n| opus") for part in parts[1:])
    assert [line for part in parts for line in part.split("\n") if "opus" in line] == rows


def test_no_table_has_more_rows_than_slack_shows() -> None:
    rows = [f"| {number} |" for number in range(250)]
    parts = split("\n".join(["| n |", "|---|", *rows]))
    assert [len(part.split("\n")) for part in parts] == [100, 100, 56]


def test_a_table_goes_whole_to_the_next_part() -> None:
    table = "| a |\n|---|\n" + "\n".join("| 1 |" for _ in range(50))
    assert split("word " * 180 + "\n\n" + table, SMALL)[1] == table


def test_a_heading_goes_with_its_text() -> None:
    parts = split("word " * 150 + "\n\n## Next\n\n" + "more " * 100, SMALL)
    assert parts[1].startswith("## Next\n\nmore")


def test_many_headings_make_more_parts() -> None:
    parts = split("\n\n".join(f"# {number}\n\ntext" for number in range(100)))
    assert [part.count("#") for part in parts] == [ITEMS_LIMIT, ITEMS_LIMIT, 20]


def test_a_long_line_is_cut_at_a_space_and_begins_no_structure() -> None:
    first, second = split("w" * 900 + " " + "# heading " * 20, SMALL)
    assert first.endswith(" ")
    assert re.match(r"heading|\u200b#", second)


@pytest.mark.parametrize(
    "line", ["." * 989 + "@channels" + "y" * 300, "x" * 997 + "@here.com", "x" * 1994 + "@here.com"]
)
def test_a_cut_bares_no_ping(line: str) -> None:
    parts = split(line, SMALL)
    assert not [part for part in parts if PING.search(part)]
    assert "".join(parts).replace("\u200b", "") == line


def test_a_fence_that_is_over_the_limit_by_its_closing_line_is_cut() -> None:
    first, second = "a" * 497, "b" * 498
    assert split(f"```\n{first}\n{second}\n```", SMALL) == (f"```\n{first}\n```", f"```\n{second}\n```")


def test_a_long_answer_is_a_beginning_and_a_file() -> None:
    text = "\n\n".join(["```\n" + "x = 1\n" * 1500 + "```"] * 5) + "\n@here"
    rendered = render(text)
    assert len(rendered.parts) == 1
    assert rendered.parts[0].endswith("x = 1\n```\n\nThis is the beginning. The whole answer is in the file.")
    assert rendered.document == text.replace("@here", "@\u200bhere")


@pytest.mark.parametrize(
    "fragment",
    [
        "`",
        "~",
        " ",
        ">",
        "> ",
        "|",
        "-|",
        "- ",
        "1. ",
        "<\\",
        "@",
        "\n",
        "```\n",
        "  ```\n",
        "|a|\n|-|\n",
        "\x1b[",
    ],
)
def test_hostile_text_takes_linear_time(fragment: str) -> None:
    started = time.process_time()
    render("a|b\n" + fragment * (100_000 // len(fragment)))
    assert time.process_time() - started < 5
