"""The parts that are Python programs of our own: the mail catcher, the worker, the API, and errands
that run once, such as the migrations.

They run as whoever started the stack, in the interpreter that runs it.
"""

import http.client
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from handoff.stack.home import Home
from handoff.stack.part import Part
from handoff.stack.process import Invocation


class PythonPart(Part):
    """`python -m <module> <arguments>`. Without an address of its own it is ready once it runs."""

    stop_within: ClassVar[float] = 4.5
    ready_within: ClassVar[float] = 60.0

    def __init__(
        self,
        home: Home,
        name: str,
        *arguments: str,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(home)
        self.name = name
        self._arguments = arguments
        self.environment = environment

    def invocation(self) -> Invocation:
        # -P: a directory of the same name where the stack is started must not be run instead.
        return Invocation(
            [sys.executable, "-P", "-m", *self._arguments],
            {**self.environment, "PYTHONUNBUFFERED": "1"},
        )

    def is_ready(self) -> bool:
        return self.runs


class Errand(PythonPart):
    """Runs once, and is ready when it has ended well."""

    def is_ready(self) -> bool:
        return self.exit_code == 0


class HttpPart(PythonPart):
    """Ready when `GET <path>` on its loopback port answers 200."""

    def __init__(
        self,
        home: Home,
        name: str,
        *arguments: str,
        environment: Mapping[str, str],
        port: int,
        path: str,
    ) -> None:
        super().__init__(home, name, *arguments, environment=environment)
        self.port = port
        self._path = path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", self._path)
            answer = connection.getresponse()
            return self.says_ready(answer.status, answer.read())
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def says_ready(self, status: int, body: bytes) -> bool:
        """Whether the answer means so."""
        return status == 200


class Front(HttpPart):
    """What stands in front of Temporal's UI. Ready once that answers through it."""

    is_told: ClassVar[bool] = False

    def __init__(
        self, home: Home, *, port: int, to: tuple[str, int], environment: Mapping[str, str]
    ) -> None:
        arguments = (f"--port={port}", f"--to-host={to[0]}", f"--to-port={to[1]}")
        super().__init__(
            home,
            "temporal-ui",
            "handoff.stack.front",
            *arguments,
            environment=environment,
            port=port,
            path="/",
        )


class ApiPart(HttpPart):
    """Ready once the parts below it are, and a worker asks for work: until then a create would be
    answered 202. A dead mail server, or work left over from an outage, keeps nobody waiting."""

    needs: ClassVar[tuple[str, ...]] = ("postgresql", "temporal", "worker")

    def says_ready(self, status: int, body: bytes) -> bool:
        checks = json.loads(body).get("checks", {})
        return all(checks.get(name, {}).get("status") == "ok" for name in self.needs)


class Mail(HttpPart):
    """The mail catcher, which keeps its messages in the data directory."""

    def __init__(
        self, home: Home, *, smtp_port: int, web_port: int, environment: Mapping[str, str]
    ) -> None:
        self.smtp_port = smtp_port
        self.directory: Path = home.own_directory("mail")
        super().__init__(
            home,
            "mail",
            "handoff.stack.mail",
            f"--directory={self.directory}",
            f"--smtp-port={smtp_port}",
            f"--web-port={web_port}",
            environment=environment,
            port=web_port,
            path="/style.css",
        )

    @property
    def smtp_url(self) -> str:
        return f"smtp://127.0.0.1:{self.smtp_port}?tls=none"
