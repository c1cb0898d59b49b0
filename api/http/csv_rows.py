"""Rows as CSV (RFC 4180) that no spreadsheet takes for anything but text and numbers."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from handoff.wire import rfc3339

_STARTS_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""Spreadsheets calculate what begins so, the wide forms included."""


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
    """One value. What would be a formula gets an apostrophe in front, and stays text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, int | float):
        return str(value)
    written = value.value if isinstance(value, Enum) else str(value)
    return f"'{written}" if written.startswith(_STARTS_FORMULA) else written
