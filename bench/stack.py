"""A stack of the benchmark's own, in a temporary directory, as `handoff up` makes it for anybody.

Its mail goes to a sink, and nothing is imported into it but the people that a measurement needs.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from handoff.stack.state import StackState, read_state

READY_WITHIN = 90.0
STOP_WITHIN = 20.0

SETTINGS = {
    "HANDOFF_LOG_LEVEL": "warning",
    # Rows that a measurement writes without a workflow must not be healed while it runs.
    "HANDOFF_AUDIT_EVERY": "1d",
    # A create that takes long is to be measured, not to be answered by 202.
    "HANDOFF_CREATE_WAIT": "30s",
    # A thousand screens are one person's there, and one person gives every command.
    "HANDOFF_STREAMS_PER_USER": "0",
    "HANDOFF_RATE_CALLS_PER_USER": "0",
    # A webhook's receiver stands on this machine.
    "HANDOFF_WEBHOOK_PRIVATE": "allow",
}


@contextlib.contextmanager
def helper(*arguments: str) -> Iterator[str]:
    """A program of ours beside the stack; its first line, once it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def running_stack() -> Iterator[tuple[StackState, int]]:
    """The whole stack, and the supervisor's pid."""
    with (
        tempfile.TemporaryDirectory(prefix="handoff-bench-") as place,
        helper("bench.sink") as port,
    ):
        Path(place).chmod(0o755)
        data_dir = Path(place) / "data"
        foreign = ("HANDOFF_", "TEMPORAL_")
        inherited = {name: value for name, value in os.environ.items()}
        environment = {
            **{name: value for name, value in inherited.items() if not name.startswith(foreign)},
            **SETTINGS,
            "HANDOFF_SMTP_URL": f"smtp://127.0.0.1:{port}?tls=none",
        }
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "handoff",
                "up",
                f"--data-dir={data_dir}",
                "--port=0",
                "--no-demo",
            ],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        try:
            yield _wait_ready(process, data_dir), process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_WITHIN)


def _wait_ready(process: subprocess.Popen[bytes], data_dir: Path) -> StackState:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the stack ended with code {process.returncode}")
        if (state := read_state(data_dir)) is not None:
            return state
        time.sleep(0.05)
    raise RuntimeError("the stack was not ready in time")
