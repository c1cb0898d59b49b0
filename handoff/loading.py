"""How programs load their code: the collector stands still meanwhile, and what few requests need is
loaded by the first of them.
"""

import asyncio
import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def for_good() -> Iterator[None]:
    """What is loaded meanwhile stays to the end. Looking for garbage in it would take a fifth of
    the start, and a moment of every later search.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


async def load(module: str) -> None:
    """Loads a module beside the loop, so that nobody else waits for what one request needs."""
    if module not in sys.modules:
        await asyncio.to_thread(importlib.import_module, module)
