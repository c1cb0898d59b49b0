"""A thousand live streams on one process: what each takes, and how late the last one hears.

The screens that listen live in this process: on two cores they are half of the work measured.
"""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.desk import Desk, Engineer
from bench.processes import memory_of
from bench.report import Line, Times, milliseconds

STREAMS = 1_000
ROUNDS = 20
ALLOWED = 60
"""Kilobytes for each stream."""

AT_ONCE = 50
"""Screens that connect at the same time."""


@dataclass(slots=True)
class Audience:
    """Screens that all wait for the same event."""

    heard: list[float] = field(default_factory=list)
    standing: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, count: int) -> None:
        """Waits until so many stand, or so many have heard."""
        async with asyncio.timeout(60):
            while max(self.standing, len(self.heard)) < count:
                self.changed.clear()
                await self.changed.wait()


class Screen(asyncio.Protocol):
    """One stream's client, as lean as can be."""

    def __init__(self, audience: Audience, request: bytes) -> None:
        self._audience = audience
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if b"retry: " in data:
            self._audience.standing += 1
            self._audience.changed.set()
        if b"event: created" in data:
            self._audience.heard.append(time.perf_counter())
            self._audience.changed.set()


async def measure(desk: Desk) -> list[Line]:
    """The same escalations with one screen watching, and with a thousand."""
    alone = await _watched_by(desk, 1)
    pid = desk.state.pids["api"]
    before = memory_of(pid)
    crowd = await _watched_by(desk, STREAMS, pid=pid)
    each = (crowd.memory - before) / STREAMS
    return [
        Line(
            f"POST → live frame, the middle of {STREAMS} screens (bare: one screen)",
            str(crowd.middle),
            str(alone.middle),
            crowd.middle.p50 / alone.middle.p50,
        ),
        Line(
            f"POST → live frame, the last of {STREAMS} screens (bare: one screen)",
            str(crowd.last),
            str(alone.last),
            crowd.last.p50 / alone.last.p50,
            "≤ 2",
            crowd.last.p50 <= 2 * alone.last.p50,
            cost=f"all {STREAMS} between the first and the last: {milliseconds(crowd.spread)}",
        ),
        Line(
            "memory of a live stream, listening",
            f"{each:.0f} kB",
            target=f"<= {ALLOWED} kB",
            met=each <= ALLOWED,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Watched:
    """What the screens have seen."""

    middle: Times
    last: Times
    spread: float
    memory: float


async def _watched_by(desk: Desk, screens: int, *, pid: int = 0) -> Watched:
    escalator, colleague = await desk.team(2)
    audience = Audience()
    transports = await _open(desk, colleague, audience, screens)
    middle, last, spread = [], [], []
    try:
        for holder, session_id in await desk.sessions([escalator] * ROUNDS):
            audience.standing = 0
            audience.heard.clear()
            began = time.perf_counter()
            await desk.hand_off(holder, session_id)
            await audience.until(screens)
            times = sorted(audience.heard)
            middle.append(times[len(times) // 2] - began)
            last.append(times[-1] - began)
            spread.append(times[-1] - times[0])
            await asyncio.sleep(0.1)
        memory = memory_of(pid) if pid else 0.0
    finally:
        for transport in transports:
            transport.close()
    return Watched(Times(middle), Times(last), sorted(spread)[len(spread) // 2], memory)


async def _open(
    desk: Desk, colleague: Engineer, audience: Audience, screens: int
) -> list[asyncio.BaseTransport]:
    at = urlsplit(desk.url)
    request = (
        f"GET /events HTTP/1.1\r\nhost: {at.netloc}\r\n"
        f"authorization: Bearer {colleague.token}\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    found: list[asyncio.BaseTransport] = []
    while len(found) < screens:
        for _ in range(min(AT_ONCE, screens - len(found))):
            made = await loop.create_connection(
                lambda: Screen(audience, request), at.hostname or "", at.port or 80
            )
            found.append(made[0])
        await audience.until(len(found))
    # Until the new account is subscribed to, its first event would come by the quiet read.
    await asyncio.sleep(1)
    return found
