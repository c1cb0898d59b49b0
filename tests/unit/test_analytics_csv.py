"""CSV that is CSV to every reader, and a formula to none; and who asks for it."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http import csv_rows
from handoff.contract.words import Priority


@pytest.mark.parametrize(
    "evil",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x")', "＝1"],
)
def test_what_would_be_a_formula_stays_text(evil: str) -> None:
    assert csv_rows.cell(evil) == f"'{evil}"


@given(st.lists(st.lists(st.text(), min_size=2, max_size=4), min_size=1))
def test_what_is_written_is_read_again_and_never_calculated(rows: list[list[str]]) -> None:
    written = csv_rows.lines(rows)
    again = list(csv.reader(io.StringIO(written, newline="")))
    assert [[cell.removeprefix("'") for cell in row] for row in again] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    assert not any(cell.startswith(tuple("=+-@\t\r\n")) for row in again for cell in row)


def test_lines_end_as_the_rfc_says() -> None:
    assert csv_rows.lines([["a", 'say "so"'], ["b,c", None]]) == 'a,"say ""so"""\r\n"b,c",\r\n'


def test_values_of_ours() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    written = csv_rows.lines([[moment, Priority.HIGH, 12.5, 3, None]])
    assert written == "2026-01-02T03:04:05Z,high,12.5,3,\r\n"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/csv", True),
        ("TEXT/CSV; header=present", True),
        ("text/csv, application/json;q=0.5", True),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv, application/json", False),
        ("text/csv;q=0", False),
        ("text/csv;q=nonsense", False),
        ("*/*", False),
        ("text/*", False),
        ("", False),
        (",;,=", False),
    ],
)
def test_csv_only_where_it_is_asked_for(accept: str, wanted: bool) -> None:
    assert csv_rows.wanted(accept) is wanted
