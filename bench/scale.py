"""What grows with the desk: open handoffs, accounts, processes."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain, cycle, islice, repeat
from urllib.error import URLError
from urllib.request import urlopen
from uuid import UUID

from bench.desk import Desk, Engineer, Refused, must
from bench.measure import at_once, one_at_a_time
from bench.queue_page import waiting
from bench.report import Line, Times, at_least, at_most
from bench.wire import Wire

OPEN = 30_000
ACTS, PAUSE = 60, 0.1
ACCOUNTS, CLAIMS, WIDTH = 20, 200, 20


async def open_handoffs(desk: Desk) -> list[Line]:
    """Acts in an account with 30,000 open handoffs, against acts in an empty one.

    The rows have no workflows: what PostgreSQL carries is measured, not the engine's store.
    """
    empty = await desk.team(2)
    reader = await waiting(desk, OPEN)
    crowded = await desk.hire(reader.account_id, 2)
    await desk.database.execute("ANALYZE handoffs, sessions")
    floor = [await _create_and_claim(desk, empty) for _ in range(2)][-1]
    ours = [await _create_and_claim(desk, crowded) for _ in range(2)][-1]
    return [
        at_most(
            f"{act} with {OPEN:,} open (bare: none open)",
            ours[number],
            floor[number],
            ours[number].p50 / floor[number].p50,
            most,
        )
        for number, (act, most) in enumerate((("create", 1.2), ("claim", 1.5)))
    ]


async def _create_and_claim(desk: Desk, people: list[Engineer]) -> tuple[Times, Times]:
    escalator, claimer = people
    made = await desk.sessions([escalator] * ACTS)
    paths: list[str] = []

    async def create(item: tuple[Engineer, UUID]) -> None:
        holder, session_id = item
        handoff_id = await desk.hand_off(holder, session_id)
        paths.append(f"/ai-sessions/{session_id}/handoffs/{handoff_id}")

    async def claim(path: str) -> None:
        must(await desk.wire.call("POST", f"{path}/claim", claimer.token), 200)

    creates = Times(await one_at_a_time(create, made, pause=PAUSE))
    return creates, Times(await one_at_a_time(claim, paths, pause=PAUSE))


async def accounts(desk: Desk) -> list[Line]:
    """Claims at once: in one account, whose row gives every event its number, and in twenty."""
    one = await _claims(desk, [await desk.team(2)])
    many = await _claims(desk, [await desk.team(2) for _ in range(ACCOUNTS)])
    line = at_least(
        f"claims per second in {ACCOUNTS} accounts (bare: in one)",
        f"{many[0]:.0f}/s, the machine {many[1]:.0%} busy",
        f"{one[0]:.0f}/s, the machine {one[1]:.0%} busy",
        many[0] / one[0],
        4,
    )
    full = many[1] >= 0.9
    return [replace(line, target="≥ 4, or the machine full", met=line.met or full)]


async def _claims(desk: Desk, teams: list[list[Engineer]]) -> tuple[float, float]:
    made = await desk.sessions([team[0] for team in islice(cycle(teams), CLAIMS)])
    claimers = [team[1] for team in islice(cycle(teams), CLAIMS)]
    paths: list[tuple[str, Engineer]] = []

    async def create(item: tuple[tuple[Engineer, UUID], Engineer]) -> None:
        (holder, session_id), claimer = item
        handoff_id = await desk.hand_off(holder, session_id, priority="low")
        paths.append((f"/ai-sessions/{session_id}/handoffs/{handoff_id}/claim", claimer))

    await at_once(create, list(zip(made, claimers, strict=True)), width=8, forgiven=(Refused,))
    await asyncio.sleep(5)

    async def claim(item: tuple[str, Engineer]) -> None:
        path, claimer = item
        must(await desk.wire.call("POST", path, claimer.token), 200)

    busy = Busy()
    crowd = await at_once(claim, paths, width=WIDTH)
    return crowd.per_second, busy()


class Busy:
    """The part of the machine's time that was used since it was made."""

    def __init__(self) -> None:
        self._idle, self._all = _ticks()

    def __call__(self) -> float:
        idle, total = _ticks()
        return 1 - (idle - self._idle) / max(total - self._all, 1)


def _ticks() -> tuple[int, int]:
    with open("/proc/stat", encoding="ascii") as stat:
        numbers = [int(number) for number in stat.readline().split()[1:9]]
    return numbers[3] + numbers[4], sum(numbers)


async def two_of_each(desk: Desk) -> list[Line]:
    """Twenty creates at once on two APIs and two workers, against one of each."""
    people = list(chain(*[await desk.team(3) for _ in range(8)]))
    alone = await _creates(desk, [desk.wire], people)
    with ExitStack() as stack:
        url = stack.enter_context(_another(desk, "api"))
        stack.enter_context(_another(desk, "worker"))
        other = Wire(url)
        await _creates(desk, [other], people)
        both = await _creates(desk, [desk.wire, other], people)
        other.close()
    return [
        Line(
            f"creates per second, {WIDTH} at once, two APIs and two workers (bare: one of each)",
            f"{both:.0f}/s",
            f"{alone:.0f}/s",
            both / alone,
        )
    ]


async def _creates(desk: Desk, wires: list[Wire], people: list[Engineer]) -> float:
    made = await desk.sessions(list(islice(cycle(people), 80)))
    acts = list(zip(made, islice(cycle(wires), len(made)), strict=True))

    async def create(act: tuple[tuple[Engineer, UUID], Wire]) -> None:
        (holder, session_id), wire = act
        await replace(desk, wire=wire).hand_off(holder, session_id)

    crowd = await at_once(create, acts, width=WIDTH, forgiven=(Refused,))
    await asyncio.sleep(3)
    return crowd.per_second


@contextmanager
def _another(desk: Desk, part: str) -> Iterator[str]:
    """A second process of a part, beside the stack's own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        **desk.state.as_environment(),
        "HANDOFF_LOG_LEVEL": "warning",
    }
    listening = [f"--port={port}"] if part == "api" else []
    process = subprocess.Popen([sys.executable, "-m", part, *listening], env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        if part == "api":
            _until_answered(f"{url}/livez")
        else:
            time.sleep(5)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _until_answered(url: str) -> None:
    for _ in repeat(None, 150):
        try:
            with urlopen(url, timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError("the second API was not ready in time")
