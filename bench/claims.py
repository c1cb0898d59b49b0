"""How soon a claim has its verdict, and how soon a hundred at once all have theirs."""

import asyncio
import time

from bench.desk import Desk, Engineer, must
from bench.measure import at_once, one_at_a_time
from bench.processes import cost, cpu
from bench.report import Line, Times, milliseconds

CLAIMS, PAUSE = 100, 0.15
CLAIMERS, RACES = 100, 7
VERDICT_WITHIN, SETTLED_WITHIN = 0.010, 0.100


async def measure(desk: Desk) -> list[Line]:
    return [await _one(desk), await _race(desk)]


async def _one(desk: Desk) -> Line:
    escalator, claimer, _ = await desk.team(3)
    paths = [
        f"/ai-sessions/{session_id}/handoffs/{await desk.hand_off(holder, session_id)}"
        for holder, session_id in await desk.sessions([escalator] * CLAIMS)
    ]
    await asyncio.sleep(1)

    async def claim(path: str) -> None:
        must(await desk.wire.call("POST", f"{path}/claim", claimer.token), 200)

    async def read(path: str) -> None:
        must(await desk.wire.call("GET", path, claimer.token), 200)

    floor = Times(await one_at_a_time(read, paths, pause=PAUSE))
    before = cpu(desk.state.pids)
    ours = Times(await one_at_a_time(claim, paths, pause=PAUSE))
    await asyncio.sleep(1)
    return Line(
        "claim → verdict, now and then (bare: GET it)",
        str(ours),
        str(floor),
        ours.p50 / floor.p50,
        f"≤ {milliseconds(VERDICT_WITHIN)}",
        ours.p50 <= VERDICT_WITHIN,
        cost(before, cpu(desk.state.pids), CLAIMS),
    )


async def _race(desk: Desk) -> Line:
    escalator, *claimers = await desk.team(CLAIMERS + 1)
    ours, floor = [], []
    for holder, session_id in await desk.sessions([escalator] * RACES):
        handoff_id = await desk.hand_off(holder, session_id)
        # The race is about claims: the mails of the round are out of the way first.
        await desk.until_told(handoff_id, CLAIMERS, within=30)
        path = f"/ai-sessions/{session_id}/handoffs/{handoff_id}"
        await _all_read(desk, path, claimers)  # so that every connection stands
        floor.append(await _all_read(desk, path, claimers))
        ours.append(await _all_claim(desk, path, claimers))
        await asyncio.sleep(1)
    middle, bare = Times(ours).p50, Times(floor).p50
    return Line(
        f"{CLAIMERS} claimers on one, all settled (bare: GET)",
        milliseconds(middle),
        milliseconds(bare),
        middle / bare,
        f"≈ {milliseconds(SETTLED_WITHIN)}",
        middle <= SETTLED_WITHIN * 1.2,
    )


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
