"""`python -m bench`: starts a stack of its own, measures, prints a table, leaves nothing behind."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench import (
    claims,
    creates,
    lives,
    mails,
    page,
    processes,
    queue_page,
    scale,
    search,
    streams,
    uploads,
    walls,
    webhooks,
)
from bench.desk import Desk, open_desk
from bench.report import Line, as_json, costs, table
from bench.stack import running_stack
from handoff.leaving import leave_after

WITHIN = 1800
"""Seconds for everything: what takes longer has gone wrong."""

MEASURES: dict[str, Callable[[Desk], Awaitable[list[Line]]]] = {
    "idle": lives.idle,
    "create": creates.measure,
    "life": lives.measure,
    "stream": creates.measure_stream,
    "webhook": webhooks.measure,
    "claim": claims.measure,
    "mail": mails.measure,
    "accounts": scale.accounts,
    "queue": queue_page.measure,
    "page": page.measure,
    "search": search.measure,
    "streams": streams.measure,
    "uploads": uploads.measure,
    "walls": walls.measure,
    "open": scale.open_handoffs,
    "two": scale.two_of_each,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES))
    parser.add_argument("--out", type=Path, help="write the table to this file, too")
    parser.add_argument("--json", type=Path, help="write each line's verdict to this file, too")
    arguments = parser.parse_args()
    if unknown := set(arguments.measures) - MEASURES.keys():
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    lines, text = asyncio.run(_run(arguments.measures or list(MEASURES)))
    if arguments.out:
        arguments.out.write_text(text, "utf-8")
    if arguments.json:
        arguments.json.write_text(as_json(lines), "utf-8")


async def _run(names: list[str]) -> tuple[list[Line], str]:
    with running_stack() as (state, supervisor):
        lines = [processes.memory("just started", supervisor, most=450)]
        async with asyncio.timeout(WITHIN), open_desk(state, supervisor) as desk:
            for name in names:
                _say(f"measuring {name} …")
                found = await MEASURES[name](desk)
                _say(table(found))
                lines += found
        parts = processes.memory_by_part(state.pids)
    text = f"{table(lines)}\n\n{costs(lines)}\n\nPSS in MB after all that: {parts}\n{_machine()}\n"
    _say(f"\n{text}")
    return lines, text


def _machine() -> str:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {load} at the end"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    leave_after(main)
