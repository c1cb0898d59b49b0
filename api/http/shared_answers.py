"""One answer for everybody who asks within a moment: found out once, however many ask.

For what strangers may ask and what costs more than an answer from memory.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Shared(Generic[Answer]):
    """The latest answer, while it is fresh; else everybody waits for the same next one."""

    def __init__(self) -> None:
        self._asking: asyncio.Task[Answer] | None = None
        self._fresh_until = 0.0

    async def get(
        self, find: Callable[[], Awaitable[Answer]], *, fresh_for: Callable[[Answer], float]
    ) -> Answer:
        """`fresh_for`: for how many seconds an answer is good, counted from when it was found."""
        if self._asking is None or (self._asking.done() and time.monotonic() >= self._fresh_until):
            self._asking = asyncio.create_task(self._found(find, fresh_for))
        # Who hangs up must not take the answer from the others.
        return await asyncio.shield(self._asking)

    async def _found(
        self, find: Callable[[], Awaitable[Answer]], fresh_for: Callable[[Answer], float]
    ) -> Answer:
        found = await find()
        self._fresh_until = time.monotonic() + fresh_for(found)
        return found

    async def close(self) -> None:
        """Gives up what is still being found out."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
