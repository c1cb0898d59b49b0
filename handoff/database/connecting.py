"""How a connection to PostgreSQL is opened: who gives up waiting for it does not tear it apart.

asyncpg asks for TLS first. Cancelled in that moment, it leaves a future behind whose failure nobody
reads, and asyncio reports an error where somebody only stopped, or asked for something else.
"""

import asyncio
from typing import Any

import asyncpg


async def open_whole(*arguments: Any, **options: Any) -> asyncpg.Connection:
    """As `asyncpg.connect`. Cancelled, it returns at once, and what is opened by then is closed."""
    opening = asyncio.ensure_future(asyncpg.connect(*arguments, **options))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        raise


def _close(opened: asyncio.Future[asyncpg.Connection]) -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result().terminate()
