"""Which loopback ports a stack uses: the same ones as last time when they are free.

A busy port is chosen around, never fought over.
"""

import contextlib
import socket
from pathlib import Path
from random import SystemRandom

from handoff.stack.files import read_json_object, write_private_json

_NEIGHBOURS = 50

_CALM = range(20_000, 32_000)
"""Systems give no port from here to an outgoing connection, so none is lost before it is used."""


class Ports:
    """The ports of one stack, by the name of what listens there."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._last_time = {
            name: port for name, port in read_json_object(memory).items() if isinstance(port, int)
        }
        self._chosen: dict[str, int] = {}
        self._once: set[int] = set()

    def choose(self, name: str, *, wanted: int | None = None) -> int:
        """The port of last time, else the one wanted or its next free neighbour, else any."""
        candidates = [self._last_time.get(name)]
        if wanted:
            candidates += [port for port in range(wanted, wanted + _NEIGHBOURS) if port < 65536]
        for port in candidates:
            if port is not None and self._is_ours_to_take(port):
                return self._keep(name, port)
        return self._keep(name, self._any())

    def choose_once(self) -> int:
        """Any free one, which nobody has to know the next time."""
        port = self._any()
        self._once.add(port)
        return port

    def forget(self, name: str) -> None:
        """The next choice does not prefer the port of last time."""
        self._last_time.pop(name, None)

    def some_were_taken(self) -> bool:
        """Whether somebody else was quicker, asked when nothing of ours runs (any more)."""
        return not all(is_free(port) for port in (*self._chosen.values(), *self._once))

    def _is_ours_to_take(self, port: int) -> bool:
        return port not in {*self._chosen.values(), *self._once} and is_free(port)

    def _any(self) -> int:
        for port in SystemRandom().sample(_CALM, len(_CALM)):
            if self._is_ours_to_take(port):
                return port
        raise OSError("no free port on this machine")

    def _keep(self, name: str, port: int) -> int:
        self._chosen[name] = port
        write_private_json(self._memory, self._last_time | self._chosen)
        return port


def is_free(port: int) -> bool:
    """Whether a server could listen there now (a connection that lingers is no obstacle)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
            return True
    return False
