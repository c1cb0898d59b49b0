"""The row of a new handoff, as a statement whose values are bound."""

from functools import cache
from typing import Any

from sqlalchemy import bindparam, func
from sqlalchemy.dialects.postgresql import Insert, insert

from handoff.contract.record import Record
from handoff.database.records import columns_of
from handoff.database.tables import HandoffRow


def bound(record: Record) -> dict[str, Any]:
    """The values of `inserted`."""
    return {f"new_{name}": value for name, value in columns_of(record).items()}


@cache
def inserted(columns: frozenset[str]) -> Insert:
    """Writes these columns of a record, which the engine sees by the very answer."""
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in sorted(columns)}
    return insert(HandoffRow).values(
        {**new, "seen_version": 1, "changed_at": func.clock_timestamp()}
    )
