"""How soon a claim has its verdict, and how soon a hundred at once all have theirs."""

import asyncio
import time
from dataclasses import replace

from bench.desk import Desk, Engineer, must
from bench.measure import at_once, one_at_a_time
from bench.processes import cost, cpu
from bench.report import Line, Times, at_most, milliseconds
from bench.stack import helper
from bench.wire import Wire
from handoff.ids import new_id

CLAIMS, PAUSE = 100, 0.15
SETTLED = 12.0
"""Seconds after which nothing that was set off goes on."""
CLAIMERS, RACES = 100, 7


async def measure(desk: Desk) -> list[Line]:
    return [await _one(desk), *await _race(desk)]


async def _one(desk: Desk) -> Line:
    escalator, claimer, _ = await desk.team(3)
    paths = [
        f"/ai-sessions/{session_id}/handoffs/{await desk.hand_off(holder, session_id)}"
        for holder, session_id in await desk.sessions([escalator] * CLAIMS)
    ]
    await asyncio.sleep(1)

    async def claim(path: str) -> None:
        must(await desk.wire.call("POST", f"{path}/claim", claimer.token), 200)

    # The calls of a burst have left by then.
    await asyncio.sleep(SETTLED)
    with helper("bench.bare_http", desk.state.database_url) as url:
        wire = Wire(url)

        async def bare(_: str) -> None:
            must(await wire.call("POST", f"/{claimer.id}/{new_id()}"), 200)

        await one_at_a_time(bare, paths[:10])
        floor = Times(await one_at_a_time(bare, paths, pause=PAUSE))
        wire.close()
    before = cpu(desk.state.pids)
    ours = Times(await one_at_a_time(claim, paths, pause=PAUSE))
    await asyncio.sleep(1)
    line = at_most(
        "claim → verdict (bare: Starlette and asyncpg)", ours, floor, ours.p50 / floor.p50, 1.5
    )
    return replace(line, cost=cost(before, cpu(desk.state.pids), CLAIMS))


async def _race(desk: Desk) -> list[Line]:
    escalator, *claimers = await desk.team(CLAIMERS + 1)
    answering = {name: desk.state.pids[name] for name in ("api", "postgres")}
    ours, floor, reading = [], [], 0.0
    for holder, session_id in await desk.sessions([escalator] * RACES):
        handoff_id = await desk.hand_off(holder, session_id)
        # The race is about claims: the mails of the round are out of the way first.
        await desk.until_told(handoff_id, CLAIMERS, within=30)
        path = f"/ai-sessions/{session_id}/handoffs/{handoff_id}"
        await _all_read(desk, path, claimers)  # so that every connection stands
        before = cpu(answering)
        floor.append(await _all_read(desk, path, claimers))
        after = cpu(answering)
        reading += sum(after[name] - before[name] for name in before)
        ours.append(await _all_claim(desk, path, claimers))
        await asyncio.sleep(1)
    middle, bare = Times(ours).p50, Times(floor).p50
    race = at_most(
        f"{CLAIMERS} claimers on one, all settled (bare: GET)",
        milliseconds(middle),
        milliseconds(bare),
        middle / bare,
        1.1,
    )
    each = reading / RACES / CLAIMERS * 1000
    return [
        race,
        Line("CPU of such a GET", f"{each:.1f} ms", target="≤ 1.4 ms", met=each <= 1.4),
    ]


async def _all_read(desk: Desk, path: str, people: list[Engineer]) -> float:
    async def read(person: Engineer) -> None:
        must(await desk.wire.call("GET", path, person.token), 200)

    began = time.perf_counter()
    await at_once(read, people, width=len(people))
    return time.perf_counter() - began


async def _all_claim(desk: Desk, path: str, people: list[Engineer]) -> float:
    statuses: list[int] = []

    async def claim(person: Engineer) -> None:
        answer = await desk.wire.call("POST", f"{path}/claim", person.token)
        statuses.append(answer.status)

    began = time.perf_counter()
    await at_once(claim, people, width=len(people))
    took = time.perf_counter() - began
    if sorted(statuses) != [200, *[409] * (len(people) - 1)]:
        raise RuntimeError(f"not one winner and all others losers: {sorted(statuses)}")
    return took
