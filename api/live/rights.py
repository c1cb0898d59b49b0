"""Whether those who listen to a feed may still read: asked once for all of an account's readers."""

import asyncio
from datetime import UTC, datetime

from api.live.feed import Feed
from handoff.database import readers
from handoff.database.directory import token_holders
from handoff.database.gate import Database

NEVER = datetime.min.replace(tzinfo=UTC)


async def check_rights(database: Database, feed: Feed, *, every: float) -> None:
    """Asks for those who were not asked about for `every` seconds, and at a doubt for everybody."""
    asked = asyncio.get_running_loop().time()
    due = [ear for ear in feed.ears if feed.doubted or asked - ear.checked >= every]
    if not due:
        return
    feed.doubted = False
    try:
        async with database.account(feed.account_id) as tenant:
            living = await readers.living_names(tenant, {ear.reader_id for ear in due})
            ended = await readers.signed_out(tenant, {ear.reader_id for ear in due})
            tokens = {ear.token_id for ear in due if ear.token_id is not None}
            # None: a person, who came without one.
            good = {None, *(await token_holders.good(tenant, tokens) if tokens else ())}
    except BaseException:
        feed.doubted = True
        raise
    for ear in due:
        came_in = ear.token_id is not None or ear.since > ended.get(ear.reader_id, NEVER)
        may_read = ear.reader_id in living and ear.token_id in good and came_in
        ear.judge(may_read=may_read, asked=asked)
