"""`handoff doctor`: what is missing and how to mend it, one line each. It changes nothing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from handoff.cli.terminal import tell
from handoff.stack.doctor.checkup import Diagnosis, examine
from handoff.stack.environment import inherited_environment
from handoff.stack.state import StackState, read_state


def doctor(
    data_dir: Annotated[Path, typer.Option(help="The data directory of `handoff up`.")] = Path(
        ".handoff"
    ),
) -> None:
    """Say what is missing here, and how to mend it."""
    environment = inherited_environment()
    state = read_state(data_dir)
    codes = set()
    for diagnosis in _diagnoses(data_dir, environment, state):
        codes.add(diagnosis.code)
        _tell(diagnosis)
    raise typer.Exit(_exit_code(codes))


def _diagnoses(
    data_dir: Path, environment: dict[str, str], state: StackState | None
) -> Iterator[Diagnosis]:
    yield from examine(data_dir, environment, runs=state is not None)
    if state is None:
        yield Diagnosis("stack", f"none runs in {data_dir}; `handoff up` starts it")
        yield from _dependencies(environment)
    else:
        yield Diagnosis("stack", f"runs at {state.api_url}")
        yield from _dependencies(state.as_environment() | environment)


def _dependencies(named: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Those that somebody has named."""
    # Its clients take longer to load than most commands take to run, so only this one does.
    from handoff.stack.doctor import reach

    if url := named.get("HANDOFF_DATABASE_URL"):
        yield from reach.ask_postgresql(url)
    if url := named.get("HANDOFF_REDIS_URL"):
        yield from reach.ask_redis(url)
    if address := named.get("TEMPORAL_ADDRESS"):
        yield from reach.ask_temporal(address, named.get("TEMPORAL_NAMESPACE"))
    if url := named.get("HANDOFF_SMTP_URL"):
        yield from reach.ask_smtp(url)
    if url := named.get("HANDOFF_FILES_URL"):
        yield from reach.ask_bucket(url)


def _tell(diagnosis: Diagnosis) -> None:
    word = "wrong" if diagnosis.code else "ok"
    mend = f"; {diagnosis.mend}" if diagnosis.mend else ""
    tell(f"{word:<6} {diagnosis.what:<15} {diagnosis.detail}{mend}")


def _exit_code(codes: set[int]) -> int:
    """Bad configuration first, since it explains the rest; then what does not answer."""
    return next((code for code in (78, 3) if code in codes), 1 if codes - {0} else 0)
