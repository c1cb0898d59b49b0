"""Which parts make up `handoff up` here: ours, unless the user's settings name something else."""

import importlib.resources
from collections.abc import Mapping
from pathlib import Path

from handoff.addresses import Listen
from handoff.errors import ConfigurationError
from handoff.stack.application import ApiPart, Errand, Front, Mail, PythonPart
from handoff.stack.home import Home
from handoff.stack.part import Part
from handoff.stack.ports import Ports
from handoff.stack.servers.postgres import Postgres
from handoff.stack.servers.temporal import Temporal
from handoff.stack.servers.valkey import Valkey
from handoff.stack.state import StackState
from handoff.stack.supervisor import Plan

API_PORT = 8000
OPERATOR_PORT = 9464
_TEMPORAL_PORT, _TEMPORAL_UI_PORT = 7233, 8233
_NAMESPACE = "handoff"


class Planner:
    """Makes the plan of one stack. `given` is the environment: what the user set counts first."""

    def __init__(self, home: Home, ports: Ports, given: Mapping[str, str]) -> None:
        self._home = home
        self._ports = ports
        self._given = given
        self._services: list[Part] = []

    def plan(self, *, api_port: int, demo: bool) -> Plan:
        state = self._with_services(f"http://127.0.0.1:{api_port}")
        environment = {**self._given, **state.as_environment()}
        api = ApiPart(
            self._home,
            "api",
            "api",
            f"--port={api_port}",
            environment={**environment, "HANDOFF_OPERATOR_LISTEN": _listen(state.operator_url)},
            port=api_port,
            path="/readyz",
        )
        worker = PythonPart(
            self._home,
            "worker",
            "worker",
            environment={**environment, "HANDOFF_OPERATOR_LISTEN": self._workers_listen()},
        )
        # Told the place: they would take the stack of the directory that we were started in.
        place = f"--data-dir={self._home.data_dir}"
        errands = {
            name: Errand(self._home, name, "handoff", *arguments, place, environment=environment)
            for name, arguments in {
                "migrate": ("migrate",),
                "import": ("import", str(demo_accounts())),
            }.items()
        }
        return Plan(
            services=self._services,
            first=[errands["migrate"]],
            first_needs=[part for part in self._services if isinstance(part, Postgres)],
            applications=[worker, api],
            besides=[errands["import"]] if demo else [],
            state=state,
        )

    def _with_services(self, api_url: str) -> StackState:
        # PostgreSQL last: while it is prepared for the first time, the others start already.
        temporal, ui = self._temporal(codec_endpoint=f"{api_url}/codec")
        mail = self._mail()
        return StackState(
            api_url=api_url,
            console_url=f"{api_url}/",
            operator_url=f"http://{self._operator_listen()}",
            public_url=self._given.get("HANDOFF_PUBLIC_URL", api_url),
            temporal_address=temporal.address if temporal else self._given["TEMPORAL_ADDRESS"],
            temporal_namespace=self._given.get("TEMPORAL_NAMESPACE", _NAMESPACE),
            temporal_ui_url=ui.url if ui else None,
            smtp_url=mail.smtp_url if mail else self._given["HANDOFF_SMTP_URL"],
            mail_url=mail.url if mail else None,
            redis_url=self._given.get("HANDOFF_REDIS_URL") or self._valkey().url,
            database_url=self._given.get("HANDOFF_DATABASE_URL") or self._postgres().url,
            auth_secret=self._auth_secret(),
            auth_jwks_url=self._given.get("HANDOFF_AUTH_JWKS_URL"),
            payload_keys=self._given.get("HANDOFF_PAYLOAD_KEYS")
            or self._home.secret("payload_key"),
        )

    def _temporal(self, *, codec_endpoint: str) -> tuple[Temporal, Front] | tuple[None, None]:
        """The engine, and what stands in front of its UI at the address that people know."""
        if "TEMPORAL_ADDRESS" in self._given:
            return None, None
        temporal = Temporal(
            self._home,
            port=self._ports.choose("temporal", wanted=_TEMPORAL_PORT),
            ui_port=self._ports.choose_once(),
            http_port=self._ports.choose("temporal_http"),
            metrics_port=self._ports.choose("temporal_metrics"),
            codec_endpoint=codec_endpoint,
            is_hidden=True,
        )
        front = Front(
            self._home,
            port=self._ports.choose("temporal_ui", wanted=_TEMPORAL_UI_PORT),
            to=(temporal.ui_host, temporal.ui_port),
            environment=self._given_by_others(),
        )
        self._services += [temporal, front]
        return temporal, front

    def _operator_listen(self) -> str:
        host, wanted = self._asked_to_listen()
        return f"{host}:{self._ports.choose('operator', wanted=wanted or OPERATOR_PORT)}"

    def _workers_listen(self) -> str:
        """A port of its own, the next one if one is given: `stack.json` names the API's."""
        host, wanted = self._asked_to_listen()
        return f"{host}:{self._ports.choose('worker_operator', wanted=wanted)}"

    def _asked_to_listen(self) -> tuple[str, int | None]:
        given = self._given.get("HANDOFF_OPERATOR_LISTEN")
        if not given:
            return "127.0.0.1", None
        try:
            listen = Listen.parse(given)
        except ValueError as fault:
            raise ConfigurationError(f"HANDOFF_OPERATOR_LISTEN: {fault}") from None
        host = f"[{listen.host}]" if ":" in listen.host else listen.host
        return host, listen.port or None

    def _mail(self) -> Mail | None:
        if "HANDOFF_SMTP_URL" in self._given:
            return None
        mail = Mail(
            self._home,
            smtp_port=self._ports.choose("smtp"),
            web_port=self._ports.choose("mail"),
            environment=self._given_by_others(),
        )
        self._services.append(mail)
        return mail

    def _given_by_others(self) -> dict[str, str]:
        """For those that read what strangers write: they are told no address and no secret."""
        ours = ("HANDOFF_", "TEMPORAL_")
        return {name: value for name, value in self._given.items() if not name.startswith(ours)}

    def _valkey(self) -> Valkey:
        valkey = Valkey(self._home, port=self._ports.choose("valkey"))
        self._services.append(valkey)
        return valkey

    def _postgres(self) -> Postgres:
        postgres = Postgres(self._home, port=self._ports.choose("postgres"))
        self._services.append(postgres)
        return postgres

    def _auth_secret(self) -> str | None:
        given = self._given.get("HANDOFF_AUTH_SECRET")
        if given or "HANDOFF_AUTH_JWKS_URL" in self._given:
            return given
        return self._home.secret("auth_secret")


def _listen(url: str) -> str:
    return url.removeprefix("http://")


def demo_accounts() -> Path:
    """The accounts that the first start imports, in the form of `handoff import`."""
    return Path(str(importlib.resources.files("handoff.stack") / "demo.json"))
