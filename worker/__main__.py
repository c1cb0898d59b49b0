"""`python -m worker`: runs until it is told to stop, and says `worker.ready` once it works."""

import asyncio
import sys

from handoff import log
from handoff.errors import ConfigurationError
from handoff.leaving import leave_after
from handoff.loading import for_good
from handoff.settings import load_settings


def main() -> int:
    """Exit code 0 after an orderly stop, 78 for bad configuration."""
    try:
        settings = load_settings()
        log.configure(settings)
        with for_good():
            from worker.running import serve
        asyncio.run(serve(settings))
    except ConfigurationError as fault:
        sys.stderr.write(f"{fault.detail}\n")
        return 78
    return 0


if __name__ == "__main__":
    leave_after(main)
