"""The security page says what the escape tests try, line by line."""

from pathlib import Path

from tests.integration.escapes import ESCAPES

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def test_each_row_of_the_table_has_its_line_and_no_line_is_without_its_row() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [f"| {one.what} | {one.holds} | {one.by} |" for one in ESCAPES]
    assert lines == ["| tried from inside | holds | by what |", "|---|---|---|", *rows]
