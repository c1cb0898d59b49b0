"""Worker processes that are quickly there and can be killed: each is forked from one that has
loaded everything already, so that a test can lose thirty of them."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from handoff.settings import Settings

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["worker.__main__", "tests.support.mortal_workers"])


def environment(settings: Settings) -> dict[str, str]:
    """The settings as another process reads them, and how it finds the engine."""
    said = {}
    for name in Settings.model_fields:
        value: Any = getattr(settings, name)
        if hasattr(value, "get_secret_value"):
            value = value.get_secret_value()
        if value is not None:
            said[f"HANDOFF_{name.upper()}"] = _said(value)
    return said | {name: value for name, value in os.environ.items() if name.startswith("TEMPORAL")}


def _said(value: Any) -> str:
    return f"{value.total_seconds()}s" if hasattr(value, "total_seconds") else str(value)


def _work(variables: dict[str, str]) -> None:
    from worker.__main__ import main

    os.environ.update(variables)
    main()


class MortalWorker:
    """One worker process."""

    def __init__(self, settings: Settings) -> None:
        self._process: BaseProcess = _FORKED.Process(target=_work, args=(environment(settings),))

    async def start(self) -> None:
        await asyncio.to_thread(self._process.start)

    async def kill(self) -> None:
        """As `kill -9` does it."""
        self._process.kill()
        await asyncio.to_thread(self._process.join)


@asynccontextmanager
async def mortal_worker(settings: Settings) -> AsyncIterator[MortalWorker]:
    """One that is dead at the end of the block, if it has not died in it."""
    worker = MortalWorker(settings)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.kill()
