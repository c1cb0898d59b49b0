"""Turns at something that many share: so many at once for each, and nobody waits for long."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

WAITS = 0.5
"""Seconds. Whoever has to wait for longer comes again later, and holds no place meanwhile."""


@dataclass(slots=True)
class Turns:
    """`at_once` for each key; what nobody uses is forgotten."""

    at_once: int
    _turns: dict[Hashable, asyncio.Semaphore] = field(default_factory=dict)
    _users: dict[Hashable, int] = field(default_factory=dict)

    @asynccontextmanager
    async def of(self, key: Hashable) -> AsyncIterator[bool]:
        """Whether it is one's turn, for as long as the block lasts."""
        turns = self._turns.setdefault(key, asyncio.Semaphore(self.at_once))
        self._users[key] = self._users.get(key, 0) + 1
        try:
            try:
                await asyncio.wait_for(turns.acquire(), WAITS)
            except TimeoutError:
                yield False
                return
            try:
                yield True
            finally:
                turns.release()
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key], self._turns[key]
