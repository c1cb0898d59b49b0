"""Uvicorn as our processes run it: it sleeps until there is something to do."""

import asyncio
from contextlib import suppress
from types import FrameType

import uvicorn


class SleepingServer(uvicorn.Server):
    """Uvicorn looks ten times a second whether it was told to stop, in each process of an idle
    service. This one is woken for it, and looks at the clock for the `Date` header."""

    DATE_LASTS = 1.0

    _told: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """From anywhere, a signal's handler and another thread included."""
        self.should_exit = True
        if self._loop is not None and self._told is not None:
            self._loop.call_soon_threadsafe(self._told.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Told to stop by a signal."""
        super().handle_exit(sig, frame)
        self.stop()

    async def main_loop(self) -> None:
        """While others serve."""
        self._told, self._loop = asyncio.Event(), asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), self.DATE_LASTS)
