"""A supervised stack in a process of its own, for tests that kill it. /proc is the witness."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from handoff.stack.state import StackState, read_state

# The servers and the mail catcher, without worker and API: everything that a supervisor does, fast.
SERVICES_ONLY = """
import dataclasses, pathlib, sys
from handoff.stack.environment import inherited_environment
from handoff.stack.home import hold_home
from handoff.stack.plan import Planner
from handoff.stack.ports import Ports
from handoff.stack.supervisor import Supervisor

def say(line):
    print(line, flush=True)

with hold_home(pathlib.Path(sys.argv[1])) as home:
    ports = Ports(home.data_dir / "ports.json")
    plan = Planner(home, ports, inherited_environment()).plan(api_port=1, demo=False)
    plan = dataclasses.replace(plan, first=[], applications=[], besides=[])
    Supervisor(home, plan, say).run(on_ready=lambda state: say("ready"))
"""


@contextlib.contextmanager
def new_place() -> Iterator[Path]:
    """A directory for stacks that servers without root's rights can reach; pytest's is closed."""
    with tempfile.TemporaryDirectory(prefix="handoff-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def place() -> Iterator[Path]:
    with new_place() as path:
        yield path


def until(condition: Callable[[], Any], *, within: float = 20.0, why: str = "") -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within} s: {why or condition}"
        time.sleep(0.02)
    return value


class RunningStack:
    """One supervisor. What it prints is kept in a file, as a terminal would show it."""

    def __init__(
        self, data_dir: Path, command: list[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir
        self._output = data_dir.with_name(f"{data_dir.name}.out")
        ours = ("HANDOFF_", "TEMPORAL_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env={**kept, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def state(self) -> StackState:
        state = read_state(self.data_dir)
        assert state is not None
        return state

    def wait_ready(self, within: float = 40.0) -> StackState:
        def ready() -> StackState | None:
            assert self.process.poll() is None, self.said
            return read_state(self.data_dir)

        state = until(ready, within=within, why="ready")
        assert isinstance(state, StackState)
        return state

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(20)


@contextlib.contextmanager
def services_only(
    data_dir: Path, environment: Mapping[str, str] | None = None
) -> Iterator[RunningStack]:
    with supervised(
        data_dir, [sys.executable, "-c", SERVICES_ONLY, str(data_dir)], environment
    ) as stack:
        stack.wait_ready()
        yield stack


@contextlib.contextmanager
def supervised(
    data_dir: Path, command: list[str], environment: Mapping[str, str] | None = None
) -> Iterator[RunningStack]:
    """Ends the stack after the test, however the test ended."""
    stack = RunningStack(data_dir, command, environment)
    try:
        yield stack
    finally:
        if stack.process.poll() is None:
            stack.end(signal.SIGTERM)


def processes_in(data_dir: Path) -> set[int]:
    """Every process that runs in the directory, or was told of it."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            told = (entry / "cmdline").read_bytes().decode(errors="replace")
            runs_in = str((entry / "cwd").readlink())
            if str(data_dir) in told or runs_in.startswith(str(data_dir)):
                found.add(int(entry.name))
    return found


def kept(data_dir: Path, name: str) -> dict[str, Any]:
    content = json.loads((data_dir / name).read_text())
    assert isinstance(content, dict)
    return content
