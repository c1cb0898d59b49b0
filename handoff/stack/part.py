"""The one idea that every part of the stack shares: a process that is prepared, started, asked
whether it is ready, stopped and started again, always with the same address and the same files.

What a part is called, runs and answers stands in its own file.
"""

import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, ClassVar

from handoff.errors import HandoffError
from handoff.stack.files import open_own
from handoff.stack.home import Home
from handoff.stack.process import Invocation, spawn

_LOG_LIMIT = 8 * 1024 * 1024
_LOOK_EVERY = 0.02


class PartFailed(HandoffError):
    """A part did not start. The detail ends with the last lines that it wrote."""

    title = "A part of the stack did not start"


class Part(ABC):
    """One child process, from nothing to ready and back."""

    name: str
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stop_within: ClassVar[float] = 5.0
    ready_within: ClassVar[float] = 30.0
    is_told: ClassVar[bool] = True
    """Whether people hear of it as a part of the stack; another part's helper is none."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:  # noqa: B027 - most parts have nothing to prepare
        """Makes what must exist before the first start. Harmless when it exists already."""

    @abstractmethod
    def invocation(self) -> Invocation:
        """What to run."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it does its work now. Asked often, so it answers at once."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or was never started."""
        return self._process.poll() if self._process is not None else None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        return self.home.data_dir / "logs" / f"{self.name}.log"

    def open_log(self) -> BinaryIO:
        """For appending; what grew too long is set aside first, in place of an older one."""
        self.home.own_directory("logs")
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.fdopen(open_own(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")

    def spawn(self) -> None:
        """Starts the process and returns at once."""
        with self.open_log() as output:
            self._process = spawn(self.invocation(), output=output, death_signal=self.stop_signal)

    def start(self) -> None:
        """Starts the process and waits until it is ready.

        Raises:
            PartFailed: it ended, or was not ready in time.
        """
        self.prepare()
        self.spawn()
        self.wait_ready()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + self.ready_within
        while not self.is_ready():
            if not self.runs:
                raise self.failure(f"ended with code {self.exit_code}")
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready within {self.ready_within:.0f} s")
            time.sleep(_LOOK_EVERY)

    def failure(self, what: str) -> PartFailed:
        return PartFailed(f"{self.name} {what}\n{last_lines(self.log)}".rstrip())

    def ask_to_stop(self) -> None:
        if self._process is not None and self.runs:
            self._process.send_signal(self.stop_signal)

    def wait_stopped(self, *, within: float) -> None:
        """Waits for the end that was asked for, and makes it when it does not come in time."""
        if self._process is None:
            return
        try:
            self._process.wait(max(within, 0.0))
        except subprocess.TimeoutExpired:
            self.kill()

    def stop(self) -> None:
        stop_together([self], within=self.stop_within)

    def kill(self) -> None:
        """SIGKILL to the process and its group, as a crash would end it."""
        if self._process is None:
            return
        if self.runs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        """It stays there and answers nothing, like a machine that hangs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)


def stop_together(parts: Iterable[Part], *, within: float) -> None:
    """Asks all to stop, then waits for each; what is not gone in time is killed."""
    deadline = time.monotonic() + within
    running = [part for part in parts if part.runs]
    for part in running:
        part.thaw()
        part.ask_to_stop()
    for part in running:
        part.wait_stopped(within=deadline - time.monotonic())


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a part's output, for a person to read."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - 16_384, 0))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(f"  {line}" for line in lines[-count:])
