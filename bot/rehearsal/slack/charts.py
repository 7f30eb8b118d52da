"""The shapes of tables and charts."""

from typing import Any

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.elements import IDENTIFIER, RICH_TEXT
from bot.rehearsal.slack.shapes import (
    Misshapen,
    boolean,
    by_type,
    fields,
    items,
    number,
    one_of,
    string,
    typed,
    whole,
)

_CELL = by_type(
    {
        "raw_text": typed("raw_text", {"text": string()}),
        "raw_number": typed("raw_number", {"value": number, "text": string()}),
        "rich_text": RICH_TEXT,
    }
)
_ROW = items(_CELL, limits.TABLE_COLUMNS)

TABLE = typed(
    "table",
    {"rows": items(_ROW, limits.TABLE_ROWS)},
    {
        "block_id": IDENTIFIER,
        "column_settings": items(
            fields({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}),
            limits.TABLE_COLUMNS,
        ),
    },
)

_DATA_TABLE = typed(
    "data_table",
    {"caption": string(), "rows": items(_ROW, limits.DATA_ROWS, least=2)},
    {
        "block_id": IDENTIFIER,
        "page_size": whole(1, limits.DATA_PAGE),
        "row_header_column_index": whole(0, limits.TABLE_COLUMNS - 1),
    },
)


def data_table(value: object, at: str) -> None:
    """A table readers can sort: rows of one width, 20,000 characters at most."""
    _DATA_TABLE(value, at)
    rows = _rows(value)
    if len({len(row) for row in rows}) != 1:
        raise Misshapen("every row must have the same number of cells", f"{at}/rows")
    if sum(len(cell.get("text", "")) for row in rows for cell in row) > limits.DATA_CHARACTERS:
        raise Misshapen(f"must be at most {limits.DATA_CHARACTERS} characters in all", f"{at}/rows")


def _rows(value: Any) -> list[list[dict[str, Any]]]:
    rows: list[list[dict[str, Any]]] = value["rows"]
    return rows


_LABEL = string(limits.CHART_LABEL)


def _positive(value: object, at: str) -> None:
    number(value, at)
    if isinstance(value, int | float) and value <= 0:
        raise Misshapen("must be greater than 0", at)


_PIE = typed(
    "pie",
    {"segments": items(fields({"label": _LABEL, "value": _positive}), limits.CHART_ITEMS)},
)
_SERIES = fields(
    {
        "name": _LABEL,
        "data": items(fields({"label": _LABEL, "value": number}), limits.CHART_POINTS),
    }
)
_AXES = fields(
    {"categories": items(_LABEL, limits.CHART_POINTS)},
    {"x_label": string(limits.AXIS_LABEL), "y_label": string(limits.AXIS_LABEL)},
)


def _along_axes(kind: str) -> Any:
    shape = typed(kind, {"series": items(_SERIES, limits.CHART_ITEMS), "axis_config": _AXES})

    def check(value: object, at: str) -> None:
        shape(value, at)
        _labels_match(value, at)

    return check


def _labels_match(chart: Any, at: str) -> None:
    categories = chart["axis_config"]["categories"]
    if len(set(categories)) != len(categories):
        raise Misshapen("categories must be unique", f"{at}/axis_config/categories")
    names = [series["name"] for series in chart["series"]]
    if len(set(names)) != len(names):
        raise Misshapen("series names must be unique", f"{at}/series")
    for n, series in enumerate(chart["series"]):
        if sorted(point["label"] for point in series["data"]) != sorted(categories):
            raise Misshapen("labels must equal the categories", f"{at}/series/{n}/data")


DATA_VISUALIZATION = typed(
    "data_visualization",
    {
        "title": string(limits.CHART_TITLE),
        "chart": by_type({"pie": _PIE, **{kind: _along_axes(kind) for kind in ("bar", "line", "area")}}),
    },
    {"block_id": IDENTIFIER},
)
