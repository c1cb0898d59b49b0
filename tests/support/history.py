"""Events by the hundred, written as the record writes them, without a workflow or mail."""

from datetime import timedelta

import asyncpg

from handoff import live
from handoff.contract.messages import Envelope
from handoff.contract.words import EventType
from handoff.database import events
from handoff.database.records import find_record
from tests.support.desk import Desk, Handoff


async def write(
    desk: Desk, handoff: Handoff, count: int, *, size: int = 0, ring: bool = True
) -> list[int]:
    """The numbers of `count` new events of the handoff, each with `size` characters of filler."""
    written: list[Envelope] = []
    async with desk.database.account(handoff.by.account_id) as tenant:
        found = await find_record(tenant, handoff.id)
        assert found is not None
        record, now = found
        for index in range(count):
            filler = {"index": index, "filler": "x" * size}
            event = await events.append(tenant, record, EventType.REMINDED, at=now, details=filler)
            written.append(event)
    if ring:
        assert desk.services is not None
        within = timedelta(seconds=2)
        await live.ring(desk.services.redis, handoff.by.account_id, written[-1:], within)
    return [int(event.id) for event in written]


async def last_number(desk: Desk, handoff: Handoff) -> int:
    """Where the account's history stands."""
    async with desk.database.account(handoff.by.account_id) as tenant:
        _, last = await events.bounds(tenant)
    return last


async def sql(desk: Desk, statement: str, *arguments: object) -> None:
    """Changes the record behind the application's back."""
    connection = await asyncpg.connect(desk.settings.database_url.get_secret_value())
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()
