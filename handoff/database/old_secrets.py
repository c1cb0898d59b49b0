"""What signed before: secrets that were replaced sign for a day beside the new one, all of them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, case, func
from sqlalchemy.orm import InstrumentedAttribute

OLD_SECRET_FOR = timedelta(hours=24)

MOST_OLD = 3
"""The newest of them: a signature of each goes with every message."""


def put_aside(
    secret: InstrumentedAttribute[Any],
    old: InstrumentedAttribute[str | None],
    until: InstrumentedAttribute[datetime | None],
) -> ColumnElement[str]:
    """The present secret, before those that it has replaced and that still sign: sealed, with a
    space in between."""
    still = case((until > func.clock_timestamp(), old))
    all_of_them = func.string_to_array(func.concat_ws(" ", secret, still), " ", type_=ARRAY(Text))
    return func.array_to_string(all_of_them[1:MOST_OLD], " ", type_=Text())


def until_when() -> ColumnElement[datetime]:
    """From this moment on."""
    found: ColumnElement[datetime] = func.clock_timestamp() + OLD_SECRET_FOR
    return found
