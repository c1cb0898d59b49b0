"""`python -m handoff.stack.mail`: SMTP and the page in one process, until it is told to stop."""

import argparse
import asyncio
import logging
from pathlib import Path

import uvicorn

from handoff.leaving import leave_after
from handoff.serving import SleepingServer
from handoff.stack.mail.smtp import serve_smtp
from handoff.stack.mail.store import MailStore
from handoff.stack.mail.web import make_app


async def _serve(directory: Path, smtp_port: int, web_port: int) -> None:
    store = MailStore(directory)
    web = SleepingServer(
        uvicorn.Config(
            make_app(store),
            host="127.0.0.1",
            port=web_port,
            lifespan="off",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
    )
    smtp = await serve_smtp(store, smtp_port)
    try:
        await web.serve()
    finally:
        smtp.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m handoff.stack.mail", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--web-port", type=int, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve(given.directory, given.smtp_port, given.web_port))


if __name__ == "__main__":
    leave_after(main)
