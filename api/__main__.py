"""`python -m api --host H --port N`: serves until it is told to stop."""

import argparse
import asyncio
import sys
from contextlib import suppress

from handoff import log
from handoff.errors import ConfigurationError
from handoff.leaving import leave_after
from handoff.loading import for_good
from handoff.settings import Settings, load_settings


def main() -> int:
    """Exit code 0 after an orderly stop, 1 when it could not start, 78 for bad configuration."""
    parser = argparse.ArgumentParser(prog="api", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        log.configure(settings)
        return _serve(settings, host=arguments.host, port=arguments.port)
    except ConfigurationError as fault:
        sys.stderr.write(f"{fault.detail}\n")
        return 78


def _serve(settings: Settings, *, host: str, port: int) -> int:
    with for_good():
        from api.app import build
        from api.server import make_server
        from handoff.bucket import must_take_files
        from handoff.database.starting import must_keep_accounts_apart

        asyncio.run(must_keep_accounts_apart(settings, confined=True))
        asyncio.run(must_take_files(settings))
        server = make_server(build(settings), host=host, port=port)
    with suppress(KeyboardInterrupt, SystemExit):
        server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    leave_after(main)
