"""Waiting that a signal cuts short: a stop, or the end of a child."""

import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Any


class Signals:
    """While entered, Ctrl-C, SIGTERM and SIGHUP are noted instead of obeyed.

    Main thread only. A wake-up by file descriptor works on every Unix and loses no signal between
    the look at `stop_asked` and the wait.
    """

    _NOTED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.times_asked = 0
        self._before: dict[signal.Signals, Any] = {}

    @property
    def stop_asked(self) -> bool:
        return self.times_asked > 0

    def __enter__(self) -> "Signals":
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._wakeup_before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        for number in self._NOTED:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # Started by nohup, which means: survive the terminal.
            self._before[number] = signal.signal(number, self._note_stop)
        # Any handler will do: without one, the end of a child would wake nobody.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _note_nothing)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._receiver.close()
        self._sender.close()

    def wait(self, seconds: float) -> None:
        """Returns after so long, or as soon as a signal came."""
        if select.select([self._receiver], [], [], max(seconds, 0))[0]:
            self._receiver.recv(4096)

    def _note_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.times_asked += 1


def _note_nothing(_number: int, _frame: FrameType | None) -> None:
    pass
