"""What strangers and hostile bodies cost the others: memory, and the time of who is signed in."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.desk import Desk, Engineer, must
from bench.measure import at_once, one_at_a_time
from bench.report import Line, Times, at_most
from bench.wire import Wire

READS, STRANGERS, WIDTH = 60, 1_000, 50
SWELLS_BY = 32
"""Megabytes that the API may grow by while it refuses."""

LARGEST = 160 * 1024

HOSTILE = {
    "a wide list under a long name": b'{"' + b"k" * 32_000 + b'":[' + b"1," * 16_000 + b"1]}",
    "a deep list": b"[" * (LARGEST // 2) + b"]" * (LARGEST // 2),
    "a large number": b'{"title":' + b"9" * (LARGEST - 20) + b"}",
    "many names": b"{" + b",".join(b'"%d":1' % number for number in range(12_000)) + b"}",
    "one text of escapes": b'{"title":"' + b"\\u0001" * (LARGEST // 6 - 10) + b'"}',
    "too large": b'{"title":"' + b"x" * (4 * LARGEST) + b'"}',
}


async def measure(desk: Desk) -> list[Line]:
    [reader] = await desk.team(1)

    async def read(_: object) -> None:
        must(await desk.wire.call("GET", "/me", reader.token), 200)

    await one_at_a_time(read, range(10))
    alone = Times(await one_at_a_time(read, range(READS), pause=0.02))
    beside = await _beside(lambda: _strangers(desk), read)
    return [
        at_most(
            f"GET /me beside {STRANGERS:,} requests of nobody (bare: alone)",
            beside,
            alone,
            beside.p50 / alone.p50,
            WIDTH,
        ),
        await _bodies(desk, reader),
    ]


async def _beside(
    crowd: Callable[[], Awaitable[object]], act: Callable[[object], Awaitable[None]]
) -> Times:
    """How long an act takes while a crowd goes on."""
    going = asyncio.ensure_future(crowd())
    times: list[float] = []
    while not going.done():
        times += await one_at_a_time(act, [None])
    await going
    return Times(times)


async def _strangers(desk: Desk) -> None:
    """As many at once as they like: no token, an invented one, health, a page that is not there."""
    asked = ["/me", "/readyz", "/ai-sessions/queue", "/nothing-here", "/metrics"]
    tokens = ["", "hnd_" + "a" * 12 + "_" + "b" * 43, "a.b.c"]
    wire = Wire(desk.url)

    async def ask(number: int) -> None:
        await wire.call("GET", asked[number % len(asked)], tokens[number % len(tokens)])

    await at_once(ask, range(STRANGERS), width=WIDTH)
    wire.close()


async def _bodies(desk: Desk, reader: Engineer) -> Line:
    """The most that the API grew by, while each body came from nobody and from somebody."""
    pid = desk.state.pids["api"]
    found = {}
    for name, body in HOSTILE.items():
        before = _reset_peak(pid)
        for path, token in (("/livez", ""), ("/ai-sessions", ""), ("/ai-sessions", reader.token)):
            wire = Wire(desk.url)
            answer = await wire.raw("POST", path, token, body)
            if answer.status not in (400, 401, 404, 405, 413, 415, 422):
                raise RuntimeError(f"{name} was answered by {answer.status}")
            wire.close()
        found[name] = (_peak(pid) - before) / 1024
    worst = max(found, key=lambda name: found[name])
    return Line(
        "memory that the API grew by, refusing hostile bodies",
        f"{found[worst]:.0f} MB ({worst})",
        target=f"≤ {SWELLS_BY} MB",
        met=found[worst] <= SWELLS_BY,
    )


def _reset_peak(pid: int) -> int:
    """Forgets the highest memory so far; the present one, in kilobytes."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _status(pid, "VmRSS")


def _peak(pid: int) -> int:
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
