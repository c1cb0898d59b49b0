"""A page of the queue where four hundred thousand handoffs wait, against a hundred thousand."""

import json
from datetime import timedelta

from bench.desk import Desk, Engineer, must
from bench.measure import one_at_a_time
from bench.report import Line, Times, at_most
from handoff.rules.policy import default_policy, policy_to_json

ROWS, FEWER = 400_000, 100_000
PAGES = 100

# Rows without workflows: nobody may look after them while this runs.
_SESSIONS = """
INSERT INTO sessions (id, account_id, title, holder_id, status)
SELECT gen_random_uuid(), $1, 'Bench', $2, 'escalated' FROM generate_series(1, $3)
"""
_HANDOFFS = """
INSERT INTO handoffs (id, account_id, session_id, intent, priority, status, escalator_id,
                      created_at, policy, rounds_total, round, deadline_at, version, seen_version,
                      engineer_notes)
SELECT gen_random_uuid(), $1, id, 'escalate',
       (ARRAY['low', 'normal', 'high', 'urgent'])[1 + (row_number() OVER () % 4)], 'open', $2,
       now() - random() * interval '6 days', $3, 5, 1, now() + interval '6 days', 2, 2,
       replace($4, '#', (row_number() OVER ())::text)
FROM sessions WHERE account_id = $1
"""


async def measure(desk: Desk) -> list[Line]:
    few, many = await waiting(desk, FEWER), await waiting(desk, ROWS)
    await desk.database.execute("ANALYZE handoffs, sessions")

    async def page(reader: Engineer) -> None:
        must(await desk.wire.call("GET", "/ai-sessions/queue?limit=50", reader.token), 200)

    await one_at_a_time(page, [few, many] * 5)
    floor = Times(await one_at_a_time(page, [few] * PAGES))
    ours = Times(await one_at_a_time(page, [many] * PAGES))
    return [
        at_most(
            f"queue page of 50 at {ROWS:,} rows (bare: at {FEWER:,})",
            ours,
            floor,
            ours.p50 / floor.p50,
            1.3,
        )
    ]


async def waiting(desk: Desk, rows: int, *, notes: str | None = None) -> Engineer:
    """Somebody in whose account so many handoffs are open. `#` in their notes is their number."""
    [reader] = await desk.team(1)
    policy = json.dumps(policy_to_json(default_policy(timedelta(minutes=15), 5)))
    await desk.database.execute(_SESSIONS, reader.account_id, reader.id, rows, timeout=120)
    await desk.database.execute(_HANDOFFS, reader.account_id, reader.id, policy, notes, timeout=600)
    return reader
