"""Rows as CSV (RFC 4180) that no spreadsheet takes for anything but text and numbers."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from handoff.wire import rfc3339

_CALCULATED = "=+\\-@＝＋－＠﹦﹢﹣﹫"
"""Spreadsheets calculate what begins so, the wide and the small forms included."""

_CELL_BEGINS = re.compile(rf'(^|[,;\t\r\n])(?=[ \u00a0"]*[{_CALCULATED}])')
"""Where a formula would begin a cell: quotes and commas are ours, but many a spreadsheet splits by
semicolons or tabs, and then a quote in the middle of a cell keeps nothing together."""

_BLANK = ("\t", "\r", "\n")
"""What some take away from the beginning of a cell before they look at it."""


def wanted(accept: str) -> bool:
    """Whether an `Accept` header asks for CSV, and not for JSON at least as much."""
    weights = dict(_weight(part) for part in accept.lower().split(","))
    csv_weight = weights.get("text/csv", 0.0)
    return csv_weight > 0 and csv_weight > weights.get("application/json", 0.0)


def _weight(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return kind, float(quality)
    except ValueError:
        return kind, 0.0


def lines(rows: Iterable[Sequence[Any]]) -> str:
    """Lines that end with CRLF; cells are quoted where they have to be."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerows([cell(value) for value in row] for row in rows)
    return written.getvalue()


def cell(value: Any) -> str:
    """One value. What would be a formula, by whatever the file is split, gets an apostrophe in
    front, and stays text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, int | float):
        return str(value)
    written = value.value if isinstance(value, Enum) else str(value)
    harmless = _CELL_BEGINS.sub(r"\1'", written)
    return f"'{harmless}" if harmless.startswith(_BLANK) else harmless
