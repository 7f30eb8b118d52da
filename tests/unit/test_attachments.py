"""What goes along with an answer as files, and what stays in its text."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.attachments import LONG_CODE, MOST, Attached, detached

LONG = "\n".join(f"x = {number}" for number in range(600))


def fenced(body: str, info: str = "") -> str:
    return f"```{info}\n{body}\n```"


def table(rows: int, columns: int = 2, cell: str = "c") -> str:
    header = "| " + " | ".join(f"h{n}" for n in range(columns)) + " |"
    lines = [header, "|" + "---|" * columns]
    return "\n".join([*lines, *(f"|{f' {cell}{row} |' * columns}" for row in range(rows))])


@pytest.mark.parametrize(
    ("block", "name", "content"),
    [
        (fenced("-a\n+b", "diff"), "42-changes.diff", "-a\n+b\n"),
        (fenced("-a\n+b", "patch"), "42-changes.diff", "-a\n+b\n"),
        (fenced("a,b\n1,2", "csv"), "42-table.csv", "a,b\n1,2\n"),
        (fenced("# file: report.md\n# All well", "markdown"), "42-report.md", "# All well\n"),
        (fenced("// File: src/app/main.ts\nlet x", "ts"), "42-main.ts", "let x\n"),
        (fenced("<!-- file: page.html -->\n<p>", "html"), "42-page.html", "<p>\n"),
        ("- a point\n  " + fenced("-a", "diff").replace("\n", "\n  "), "42-changes.diff", "-a\n"),
    ],
)
def test_named_code_goes_along_and_stays(block: str, name: str, content: str) -> None:
    text = f"Look:\n\n{block}\n\nThat is all."
    assert detached(text, "42") == (text, (Attached(name, content),))


def test_long_code_goes_along_only() -> None:
    text, (file,) = detached(f"Look:\n\n{fenced(LONG, 'python')}\n\nThat is all.", "42")
    assert text == "Look:\n\n`42-code.py` goes along as a file.\n\nThat is all."
    assert file == Attached("42-code.py", f"{LONG}\n")


@pytest.mark.parametrize("text", ["", "words", fenced("x = 1", "python"), fenced("", "diff"), table(100)])
def test_what_a_message_holds_brings_no_file(text: str) -> None:
    assert detached(text, "42") == (text, ())


@pytest.mark.parametrize("large", [table(101), table(3, 21), table(20, 2, "c" * 200)])
def test_a_table_too_large_for_slack_is_a_csv_file(large: str) -> None:
    text, (file,) = detached(f"Before\n\n{large}\n\nAfter", "42")
    rows = list(csv.reader(io.StringIO(file.text)))
    assert file.name == "42-table.csv"
    assert len(rows) == len(large.split("\n")) - 1
    assert rows[0][:2] == ["h0", "h1"]
    assert "`42-table.csv`" in text
    assert len(text) < len(large)


def test_no_cell_is_a_formula_and_no_number_is_changed() -> None:
    large = table(101) + '\n| =HYPERLINK("x") | -5 |\n| @a | a \\| b |'
    _, (file,) = detached(large, "42")
    assert list(csv.reader(io.StringIO(file.text)))[-2:] == [['\'=HYPERLINK("x")', "-5"], ["'@a", "a | b"]]


def test_equal_names_are_told_apart_and_the_files_are_bounded() -> None:
    text, files = detached("\n\n".join([fenced("-a", "diff")] * 9), "42.2")
    assert [file.name for file in files] == [
        "42.2-changes.diff",
        *(f"42.2-changes-{number}.diff" for number in range(2, MOST + 1)),
    ]
    assert text.count("```diff") == 9


@given(st.text(min_size=1, max_size=40).filter(lambda name: not re.search(r"[\s*<>]", name)))
def test_names_are_safe(name: str) -> None:
    _, files = detached(fenced(f"# file: {name}\nwords"), "42")
    assert all(re.fullmatch(r"42-[A-Za-z0-9_-]+(?:\.[A-Za-z0-9]{1,8})", file.name) for file in files)


@given(st.integers(LONG_CODE - 10, LONG_CODE + 10))
def test_no_word_is_lost(length: int) -> None:
    code = "y" * length
    text, files = detached(fenced(code), "1")
    assert code in text or code in files[0].text
