"""What a whole life costs all parts, and what they cost while nobody asks for anything."""

import asyncio
from dataclasses import replace
from itertools import count
from uuid import UUID

from bench import bare
from bench.desk import Desk, Engineer, must
from bench.measure import at_once
from bench.processes import costs_at_most, cpu, memory
from bench.report import Line
from bench.stack import helper

LIVES = 60
MANY, WIDTH = 1100, 8
IDLE_FOR = 20.0
"""Seconds."""

_names = count()


async def measure(desk: Desk) -> list[Line]:
    """Created, told to three, claimed and resolved, one after the other; then many of them."""
    state = desk.state
    with helper("bench.bare", state.temporal_address, state.temporal_namespace):
        client = await bare.connect(state.temporal_address, state.temporal_namespace)
        before = cpu(state.pids)
        for _ in range(LIVES):
            await bare.start(client, f"life-{next(_names)}")
        floor = sum(cpu(state.pids)[name] - before[name] for name in before) / LIVES * 1000
    # A desk for each: a second call of a minute to the same people would wait for company.
    teams = [await desk.team(4) for _ in range(LIVES)]
    made = await desk.sessions([team[0] for team in teams])
    before = cpu(state.pids)
    for life in zip(made, teams, strict=True):
        await _live(desk, life)
        await asyncio.sleep(0.2)
    await asyncio.sleep(2)
    after = cpu(state.pids)
    line = costs_at_most("CPU of a life, three told (bare: one start)", before, after, LIVES, 150)
    ours = sum(after[name] - before[name] for name in before) / LIVES * 1000
    return [
        replace(line, floor=f"{floor:.1f} ms", ratio=ours / floor),
        await _many(desk),
    ]


async def _live(desk: Desk, life: tuple[tuple[Engineer, UUID], list[Engineer]]) -> None:
    (holder, session_id), (_, claimer, *_) = life
    handoff_id = await desk.hand_off(holder, session_id)
    await desk.until_told(handoff_id, 3, within=60)
    path = f"/ai-sessions/{session_id}/handoffs/{handoff_id}"
    must(await desk.wire.call("POST", f"{path}/claim", claimer.token), 200)
    resolution = {"outcome": "fixed", "note": "Done."}
    must(await desk.wire.call("POST", f"{path}/resolve", claimer.token, resolution), 200)


async def _many(desk: Desk) -> Line:
    """What so many leave behind in memory."""
    teams = [await desk.team(4) for _ in range(MANY)]
    made = await desk.sessions([team[0] for team in teams])
    await at_once(lambda life: _live(desk, life), list(zip(made, teams, strict=True)), width=WIDTH)
    await asyncio.sleep(5)
    return memory(f"after {MANY:,} lives more", desk.supervisor, most=700)


async def idle(desk: Desk) -> list[Line]:
    """After the start's own work, with nothing open."""
    await asyncio.sleep(10)
    before = cpu(desk.state.pids)
    await asyncio.sleep(IDLE_FOR)
    after = cpu(desk.state.pids)
    used = {name: (after[name] - before[name]) / IDLE_FOR * 100 for name in before}
    total = sum(used.values())
    parts = ", ".join(f"{name} {share:.2f}" for name, share in used.items())
    return [
        Line(
            "idle CPU of all parts",
            f"{total:.1f} % of a core",
            target="≤ 1 %",
            met=total <= 1,
            cost=f"% of a core: {parts}",
        )
    ]
