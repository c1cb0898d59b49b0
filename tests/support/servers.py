"""PostgreSQL, Valkey and Temporal alone, without supervisor or application: what tests run on.

Blocking, for a fixture. Use it from the main thread, so that a killed test run leaves nothing.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from handoff.stack.home import hold_home
from handoff.stack.part import Part, stop_together
from handoff.stack.ports import Ports
from handoff.stack.servers.postgres import Postgres
from handoff.stack.servers.temporal import Temporal
from handoff.stack.servers.valkey import Valkey


@dataclass(frozen=True, slots=True)
class Servers:
    """Three running servers. Each can be killed, frozen and started again at the same address."""

    postgres: Postgres
    valkey: Valkey
    temporal: Temporal

    @property
    def database_url(self) -> str:
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        return self.valkey.url

    @property
    def temporal_address(self) -> str:
        return self.temporal.address

    @property
    def temporal_ui_url(self) -> str:
        return self.temporal.ui_url


@contextlib.contextmanager
def running_servers(
    data_dir: Path,
    *,
    dynamic_config: Mapping[str, str] | None = None,
    temporal_in_memory: bool = False,
    durable: bool = True,
    postgres_settings: Mapping[str, str] | None = None,
) -> Iterator[Servers]:
    """Starts the three in `data_dir`, at free ports, and stops them at the end.

    Args:
        data_dir: an empty or new directory, or one of an earlier stack.
        dynamic_config: more of Temporal's, by key, each value as JSON:
            `{"frontend.WorkflowTimeSkippingEnabled": "true"}`.
        temporal_in_memory: Temporal forgets everything when it is stopped or killed.
        durable: False makes PostgreSQL faster, and unfit to be killed with the machine.
        postgres_settings: more of PostgreSQL's, by name.
    """
    with hold_home(data_dir) as home:
        ports = Ports(home.data_dir / "ports.json")
        postgres = Postgres(
            home, port=ports.choose("postgres"), durable=durable, settings=postgres_settings
        )
        valkey = Valkey(home, port=ports.choose("valkey"))
        temporal = Temporal(
            home,
            port=ports.choose("temporal"),
            ui_port=ports.choose("temporal_ui"),
            http_port=ports.choose("temporal_http"),
            metrics_port=ports.choose("temporal_metrics"),
            in_memory=temporal_in_memory,
            dynamic_config=dynamic_config,
        )
        parts = (temporal, valkey, postgres)
        try:
            start_together(parts)
            yield Servers(postgres, valkey, temporal)
        finally:
            stop_together(parts, within=8)


def start_together(parts: tuple[Part, ...]) -> None:
    """Starts the parts at once and waits until all are ready. Put slow preparers last."""
    for part in parts:
        part.prepare()
        part.spawn()
    for part in parts:
        part.wait_ready()
