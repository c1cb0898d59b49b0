"""Whether anybody else meets ten files of 10 MiB that arrive at once: by a claim's verdict, and by
the API's memory."""

import asyncio

from bench.desk import Desk, must
from bench.measure import one_at_a_time
from bench.processes import memory_of
from bench.report import Line, Times, at_most
from bench.stack import helper

ROUNDS, CLAIMS, PAUSE = 6, 12, 0.1
AT_ONCE = 10
AS_IT_WAS = 1.5
SETTLED = 12.0
"""Seconds after which nothing that was set off goes on."""
GROWS_AT_MOST = 40
"""MB: less than half a file for each that arrives."""


async def measure(desk: Desk) -> list[Line]:
    escalator, claimer, sender = await desk.team(3)
    paths = [
        f"/ai-sessions/{session_id}/handoffs/{await desk.hand_off(holder, session_id)}"
        for holder, session_id in await desk.sessions([escalator] * ROUNDS * CLAIMS * 2)
    ]
    await asyncio.sleep(SETTLED)
    api, sizes = desk.state.pids["api"], [memory_of(desk.state.pids["api"])]

    async def claim(path: str) -> None:
        must(await desk.wire.call("POST", f"{path}/claim", claimer.token), 200)

    async def claims() -> list[float]:
        some = [paths.pop() for _ in range(CLAIMS)]
        return await one_at_a_time(claim, some, pause=PAUSE)

    quiet, busy = await claims(), []
    before = max(sizes)
    # By turns: what else the machine does meanwhile meets both alike.
    for turn in range(ROUNDS):
        into = [str(session_id) for _, session_id in await desk.sessions([sender] * AT_ONCE)]
        with helper("bench.uploader", desk.url, sender.token, *into):
            busy += await claims()
            sizes.append(memory_of(api))
        if turn < ROUNDS - 1:
            await asyncio.sleep(1)
            quiet += await claims()
    ours, floor = Times(busy), Times(quiet)
    grown = (max(sizes) - before) / 1024
    arrived = await desk.database.fetchval(
        "SELECT count(*) FROM files WHERE account_id = $1", sender.account_id
    )
    return [
        at_most(
            f"claim → verdict, {AT_ONCE} files of 10 MiB at once, {arrived} in all (bare: none)",
            *(ours, floor, ours.p50 / floor.p50, AS_IT_WAS),
        ),
        Line(
            f"memory of the API, {AT_ONCE} files of 10 MiB at once",
            f"{grown:+.0f} MB",
            target=f"≤ {GROWS_AT_MOST} MB",
            met=grown <= GROWS_AT_MOST,
        ),
    ]
