"""A search among four hundred thousand handoffs, against a page of the queue of as many."""

from urllib.parse import quote

from bench.desk import Desk, Engineer, must
from bench.measure import one_at_a_time
from bench.queue_page import ROWS, waiting
from bench.report import Line, Times, at_most

ASKED = 60
NOTES = "Rekey fails on gw-# (10.0.0.#) after the firmware update; logs are in the session."
SOUGHT = {
    "a word that all have": "firmware",
    "a code that one has": "gw-123456",
    "a beginning that a thousand have": "gw-321",
    "two of which nobody has both": "firmware gw-999999",
}


async def measure(desk: Desk) -> list[Line]:
    reader = await waiting(desk, ROWS, notes=NOTES)
    await desk.database.execute("VACUUM ANALYZE handoff_texts, handoffs, sessions", timeout=300)

    async def page(reader: Engineer) -> None:
        must(await desk.wire.call("GET", "/ai-sessions/queue?limit=50", reader.token), 200)

    await one_at_a_time(page, [reader] * 5)
    floor = Times(await one_at_a_time(page, [reader] * ASKED))
    lines = []
    for what, q in SOUGHT.items():
        address = f"/ai-sessions/handoffs?limit=50&q={quote(q)}"

        async def search(reader: Engineer, address: str = address) -> None:
            must(await desk.wire.call("GET", address, reader.token), 200)

        await one_at_a_time(search, [reader] * 5)
        ours = Times(await one_at_a_time(search, [reader] * ASKED))
        told = f"search at {ROWS:,} handoffs: {what} (bare: the queue's page)"
        lines.append(at_most(told, ours, floor, ours.p50 / floor.p50, 3))
    return lines
