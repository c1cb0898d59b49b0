"""How an act is timed: one at a time or many at once, always with the clock of this process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from bench.report import Times

Item = TypeVar("Item")
Act = Callable[[Item], Awaitable[object]]


async def timed(act: Act[Item], item: Item) -> float:
    began = time.perf_counter()
    await act(item)
    return time.perf_counter() - began


async def one_at_a_time(
    act: Act[Item], items: Iterable[Item], *, pause: float = 0.0
) -> list[float]:
    """With a pause between them, what each sets off is over before the next one comes."""
    found = []
    for item in items:
        found.append(await timed(act, item))
        await asyncio.sleep(pause)
    return found


@dataclass(frozen=True, slots=True)
class Crowd:
    """What many at once came to."""

    times: Times
    per_second: float
    failed: int


async def at_once(
    act: Act[Item], items: Iterable[Item], *, width: int, forgiven: tuple[type[Exception], ...] = ()
) -> Crowd:
    """`width` workers until the items are done; acts that fail in a forgiven way are counted."""
    waiting = list(items)
    found: list[float] = []
    failed: list[Exception] = []

    async def work() -> None:
        while waiting:
            try:
                found.append(await timed(act, waiting.pop()))
            except forgiven as fault:
                failed.append(fault)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(width)))
    return Crowd(Times(found), len(found) / (time.perf_counter() - began), len(failed))
