"""`python -m bench.sink`: a mail server that takes everything and keeps nothing. Says its port."""

import asyncio
import sys
from typing import Any

from aiosmtpd.smtp import SMTP

from handoff.leaving import leave_after


class Sink:
    """What aiosmtpd calls for each message."""

    async def handle_DATA(self, _server: SMTP, _session: Any, _envelope: Any) -> str:
        return "250 2.0.0 Taken"


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Sink(), hostname="localhost", enable_SMTPUTF8=True, loop=loop),
        host="127.0.0.1",
        port=0,
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    asyncio.run(serve())


if __name__ == "__main__":
    leave_after(main)
