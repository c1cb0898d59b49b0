"""The command line. It spawns processes and imports no room above the core.

Exit codes: 0 well, 1 failure, 2 usage, 3 a dependency is unreachable, 78 bad configuration.
"""

import sys

import typer

from handoff.cli.demo import demo
from handoff.cli.doctor import doctor
from handoff.cli.import_file import import_directory
from handoff.cli.parts import api, migrate, worker
from handoff.cli.terminal import tell
from handoff.cli.token import token
from handoff.cli.up import up
from handoff.database import outages
from handoff.errors import ConfigurationError, HandoffError, Unreachable

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


def main() -> None:
    """Runs a command; errors of ours become one line and an exit code."""
    try:
        app()
    except ConfigurationError as fault:
        _leave(fault.detail, BAD_CONFIGURATION)
    except Unreachable as fault:
        _leave(fault.detail, UNREACHABLE)
    except HandoffError as fault:
        _leave(fault.detail, 1)
    except outages.AWAY as fault:
        _leave(f"PostgreSQL cannot be used: {type(fault).__name__}", UNREACHABLE)


def _leave(message: str, code: int) -> None:
    for line in message.splitlines():
        tell(line, error=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
