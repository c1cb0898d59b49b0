"""POST → 201 against the engine's own update-with-start, taken in turns on the same server."""

import asyncio
import time
from itertools import count, cycle, islice
from uuid import UUID

from temporalio.client import Client

from bench import bare
from bench.desk import Desk, Engineer, Refused
from bench.measure import Crowd, at_once, one_at_a_time
from bench.report import Line, Times, at_least, at_most
from bench.stack import helper
from bench.wire import events

TURNS = 5
ALONE, TOGETHER, WIDTH = 40, 80, 20
STREAMED = 60
PAUSE = 0.1
TARGET = 1.0

_names = count()


async def measure(desk: Desk) -> list[Line]:
    state = desk.state
    with helper("bench.bare", state.temporal_address, state.temporal_namespace):
        client = await bare.connect(state.temporal_address, state.temporal_namespace)
        holders = [person for _ in range(8) for person in await desk.team(3)]
        await _turn(desk, client, holders, 10)
        return [
            await _alone(desk, client, holders, intent="escalate"),
            await _alone(desk, client, holders, intent="park"),
            await _together(desk, client, holders),
        ]


async def _bare(client: Client, _: object) -> None:
    await bare.start(client, str(next(_names)))


async def _turn(
    desk: Desk, client: Client, holders: list[Engineer], size: int, intent: str = "escalate"
) -> tuple[list[float], list[float]]:
    async def hand_off(made: tuple[Engineer, UUID]) -> None:
        await desk.hand_off(*made, intent=intent)

    made = await desk.sessions(list(islice(cycle(holders), size)))
    floor = await one_at_a_time(lambda item: _bare(client, item), range(size), pause=PAUSE)
    ours = await one_at_a_time(hand_off, made, pause=PAUSE)
    return ours, floor


async def _alone(desk: Desk, client: Client, holders: list[Engineer], *, intent: str) -> Line:
    turns = [await _turn(desk, client, holders, ALONE, intent) for _ in range(TURNS)]
    ours = Times([value for turn, _ in turns for value in turn])
    floor = Times([value for _, turn in turns for value in turn])
    what = f"create ({intent}), now and then"
    return at_most(what, ours, floor, ours.p50 / floor.p50, TARGET)


async def _together(desk: Desk, client: Client, holders: list[Engineer]) -> Line:
    async def hand_off(made: tuple[Engineer, UUID]) -> None:
        await desk.hand_off(*made)

    ours, floor = [], []
    for _ in range(TURNS):
        made = await desk.sessions(list(islice(cycle(holders), TOGETHER)))
        floor.append(await at_once(lambda item: _bare(client, item), range(TOGETHER), width=WIDTH))
        ours.append(await at_once(hand_off, made, width=WIDTH, forgiven=(Refused,)))
        await asyncio.sleep(1)
    return at_least(
        f"creates per second, {WIDTH} at once",
        _said(ours),
        _said(floor),
        _rate(ours) / _rate(floor),
        TARGET,
    )


def _rate(turns: list[Crowd]) -> float:
    rates = sorted(turn.per_second for turn in turns)
    return rates[len(rates) // 2]


def _all(turns: list[Crowd]) -> Times:
    return Times([value for turn in turns for value in turn.times.seconds])


def _said(turns: list[Crowd]) -> str:
    failed = sum(turn.failed for turn in turns)
    return f"{_all(turns)}; {_rate(turns):.0f}/s" + (f"; {failed} refused" if failed else "")


async def measure_stream(desk: Desk) -> list[Line]:
    """From the POST's first byte to the frame on a colleague's screen."""
    state = desk.state
    with helper("bench.bare", state.temporal_address, state.temporal_namespace):
        client = await bare.connect(state.temporal_address, state.temporal_namespace)
        await one_at_a_time(lambda item: _bare(client, item), range(10))
        floor = Times(
            await one_at_a_time(lambda item: _bare(client, item), range(STREAMED), pause=0.05)
        )
    escalator, colleague, _ = await desk.team(3)
    heard: asyncio.Queue[float] = asyncio.Queue()
    stands = asyncio.Event()

    async def listen() -> None:
        async for kind, _ in events(desk.url, colleague.token):
            stands.set()
            if kind == "created":
                heard.put_nowait(time.perf_counter())

    listening = asyncio.create_task(listen())
    await stands.wait()
    await asyncio.sleep(1)
    frames = []
    for holder, session_id in await desk.sessions([escalator] * STREAMED):
        began = time.perf_counter()
        await desk.hand_off(holder, session_id)
        frames.append(await asyncio.wait_for(heard.get(), 10) - began)
        await asyncio.sleep(0.05)
    listening.cancel()
    seen = Times(frames)
    return [at_most("POST → live frame", seen, floor, seen.p50 / floor.p50, TARGET)]
