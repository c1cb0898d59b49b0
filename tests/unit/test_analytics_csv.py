"""CSV that is CSV to every reader, and a formula to none; and who asks for it."""

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http import csv_rows
from handoff.contract.words import Priority


@pytest.mark.parametrize(
    "evil",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", '=HYPERLINK("http://x")', "＝1", " =1"],
)
def test_what_would_be_a_formula_stays_text(evil: str) -> None:
    assert csv_rows.cell(evil) == f"'{evil}"


@pytest.mark.parametrize("separator", [",", ";", "\t", "\r", "\n", "\r\n"])
@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@A1", "＝1", "＋1", '"=1"', " =1"])
def test_no_formula_begins_behind_a_separator(separator: str, formula: str) -> None:
    assert csv_rows.cell(f"VPN{separator}{formula}") == f"VPN{separator}'{formula}"
    first = csv_rows.cell(f"{separator}{formula}")
    assert first.removeprefix("'") == f"{separator}'{formula}"


@pytest.mark.parametrize("text", ["VPN drops", "a-b", "1+1=2", "mail me@acme.test", "x; y, z", "'"])
def test_what_is_none_stays_as_it_is(text: str) -> None:
    assert csv_rows.cell(text) == text


HOSTILE = st.text(alphabet=st.sampled_from("ab'\" ,;\t\r\n=+-@＝＋－＠")) | st.text()


@given(st.lists(st.lists(HOSTILE, min_size=2, max_size=4), min_size=1))
def test_what_is_written_is_read_again_and_never_calculated(rows: list[list[str]]) -> None:
    written = csv_rows.lines(rows)
    again = list(csv.reader(io.StringIO(written, newline="")))
    assert [[cell.replace("'", "") for cell in row] for row in again] == [
        [cell.replace("'", "") for cell in row] for row in rows
    ]
    # However a spreadsheet splits it, with or without an idea of quotes.
    for separators in (",", ";", "\t", ",;\t"):
        for piece in re.split(f"[{separators}\r\n]", written):
            assert not piece.lstrip(' "').startswith(tuple("=+-@＝＋－＠")), piece
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter):
            assert not any(cell.startswith(tuple("=+-@＝＋－＠")) for cell in row), row


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
