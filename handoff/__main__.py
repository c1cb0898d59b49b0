"""The command line. It spawns processes and imports no room above the core, and each command loads
what it alone needs when it runs.

Exit codes: 0 well, 1 failure, 2 usage, 3 a dependency is unreachable, 78 bad configuration.
"""

from typing import NoReturn

import typer

from handoff.cli.demo import demo
from handoff.cli.doctor import doctor
from handoff.cli.import_file import import_directory
from handoff.cli.parts import api, migrate, worker
from handoff.cli.terminal import tell
from handoff.cli.token import token
from handoff.cli.up import up
from handoff.errors import ConfigurationError, HandoffError, Unreachable
from handoff.leaving import leave_after

UNREACHABLE = 3
BAD_CONFIGURATION = 78

app = typer.Typer(
    name="handoff",
    help="Durable escalations: recorded first, told by mail and push, claimed by exactly one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(demo)
app.command()(api)
app.command()(worker)
app.command()(migrate)
app.command(name="import")(import_directory)
app.command()(token)
app.command()(doctor)


def main() -> NoReturn:
    """What `handoff` runs."""
    leave_after(run_command)


def run_command() -> int:
    """Runs a command; errors of ours become one line and an exit code."""
    try:
        app()
    except ConfigurationError as fault:
        return _told(fault.detail, BAD_CONFIGURATION)
    except Unreachable as fault:
        return _told(fault.detail, UNREACHABLE)
    except HandoffError as fault:
        return _told(fault.detail, 1)
    except Exception as fault:
        # Its libraries take longer to load than most commands take to run.
        from handoff.database import outages

        if not isinstance(fault, outages.AWAY):
            raise
        return _told(f"PostgreSQL cannot be used: {outages.cause(fault)}", UNREACHABLE)
    return 0


def _told(message: str, code: int) -> int:
    for line in message.splitlines():
        tell(line, error=True)
    return code


if __name__ == "__main__":
    leave_after(run_command)
