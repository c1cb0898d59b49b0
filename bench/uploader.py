"""Sends files of 10 MiB into each of its sessions at once, one after another, until it is ended.

`python -m bench.uploader URL TOKEN SESSION…`: a process of its own, so that its work is not taken
for the API's.
"""

import asyncio
import os
import sys

from bench.desk import must
from bench.wire import Wire
from handoff.leaving import leave_after

FILE_BYTES = 10 * 1024 * 1024
NAME = {"content-disposition": "attachment; filename=trace.log"}


async def _send(wire: Wire, token: str, session_id: str, content: bytes) -> None:
    while True:
        path = f"/ai-sessions/{session_id}/files"
        must(await wire.raw("POST", path, token, content, **NAME), 201)


async def _send_all(url: str, token: str, *sessions: str) -> None:
    wire, content = Wire(url), os.urandom(FILE_BYTES)
    sending = [asyncio.create_task(_send(wire, token, one, content)) for one in sessions]
    sys.stdout.write("sending\n")
    sys.stdout.flush()
    await asyncio.gather(*sending)


def main() -> None:
    os.nice(19)  # Senders are elsewhere: their processors are not ours.
    asyncio.run(_send_all(*sys.argv[1:]))


if __name__ == "__main__":
    leave_after(main)
