"""`handoff up`: the whole stack on this machine, in one terminal. The work is done in `stack`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from handoff.errors import HandoffError
from handoff.stack.environment import check_settings, inherited_environment
from handoff.stack.files import touch
from handoff.stack.home import Home, hold_home
from handoff.stack.plan import API_PORT, Planner
from handoff.stack.ports import Ports
from handoff.stack.state import StackState
from handoff.stack.supervisor import Plan, Supervisor

_ATTEMPTS = 3


def up(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help=f"The API's port; {API_PORT}, or the next free one."),
    ] = None,
    data_dir: Annotated[
        Path, typer.Option(help="Where everything is kept, readable by you alone.")
    ] = Path(".handoff"),
    demo: Annotated[bool, typer.Option(help="Import a demo account at the first start.")] = True,
) -> None:
    """Run the whole stack on this machine until Ctrl-C."""
    check_settings(inherited_environment())
    with hold_home(data_dir) as home:
        for attempt in range(1, _ATTEMPTS + 1):
            ports = Ports(home.data_dir / "ports.json")
            try:
                _run(home, ports, port=port, demo=demo)
            except HandoffError:
                # Between the look at a port and its use, somebody else can take it.
                if attempt == _ATTEMPTS or not ports.some_were_taken():
                    raise
                typer.echo("a port was taken by another program; choosing again")
            else:
                return


def _run(home: Home, ports: Ports, *, port: int | None, demo: bool) -> None:
    began = time.monotonic()
    plan = _plan(home, ports, port=port, demo=demo)
    typer.echo(f"starting {_names(plan)}")

    def on_ready(state: StackState) -> None:
        touch(_demo_mark(home))
        _tell(state, seconds=time.monotonic() - began)

    Supervisor(home, plan, typer.echo).run(on_ready=on_ready)
    typer.echo("stopped")


def _plan(home: Home, ports: Ports, *, port: int | None, demo: bool) -> Plan:
    if port is not None:
        ports.forget("api")
    api_port = ports.choose("api", wanted=API_PORT if port is None else port)
    if port and api_port != port:
        typer.echo(f"port {port} is busy; the API uses {api_port}")
    planner = Planner(home, ports, inherited_environment())
    return planner.plan(api_port=api_port, demo=demo and not _demo_mark(home).exists())


def _demo_mark(home: Home) -> Path:
    """There once a start was complete: from then on the accounts are the user's business."""
    return home.data_dir / "started-before"


def _names(plan: Plan) -> str:
    names = [part.name for part in (*plan.services, *plan.applications) if part.is_told]
    return ", ".join(names[:-1]) + f" and {names[-1]}"


def _tell(state: StackState, *, seconds: float) -> None:
    addresses = {
        "console": state.console_url,
        "api": state.api_url,
        "temporal": state.workflows_url,
        "mail": state.mail_url,
    }
    for name, address in addresses.items():
        if address is not None:
            typer.echo(f"  {name:<10}{address}")
    typer.echo(f"up in {seconds:.1f} s; Ctrl-C stops it all")
    typer.echo("ready")
