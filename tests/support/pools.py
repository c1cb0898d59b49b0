"""How often connections to PostgreSQL are taken: what a request costs it, counted."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from handoff.database.gate import Database


@contextmanager
def checkouts(database: Database) -> Iterator[list[int]]:
    """Counts how often a connection of this pool is taken."""
    taken: list[int] = []

    def count(*_: object) -> None:
        taken.append(1)

    engine = database._engine.sync_engine
    event.listen(engine, "checkout", count)
    try:
        yield taken
    finally:
        event.remove(engine, "checkout", count)
