"""What a running stack tells the other commands: `stack.json` in its data directory.

It is there from `ready` until the stop. One that a killed supervisor left behind is no state.
"""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from handoff.stack.files import read_json_object, write_private_json
from handoff.stack.lock import is_held

_FILE = "stack.json"


@dataclass(frozen=True, slots=True)
class StackState:
    """Where everything is. An address is None when that part belongs to somebody else's stack."""

    database_url: str
    redis_url: str
    smtp_url: str
    temporal_address: str
    temporal_namespace: str
    public_url: str
    operator_url: str
    api_url: str | None = None
    console_url: str | None = None
    temporal_ui_url: str | None = None
    mail_url: str | None = None
    auth_secret: str | None = field(default=None, repr=False)
    auth_jwks_url: str | None = None
    payload_keys: str | None = field(default=None, repr=False)
    pids: dict[str, int] = field(default_factory=dict)

    @property
    def workflows_url(self) -> str | None:
        """Where Temporal's UI lists our workflows; below it, each stands under its id."""
        ui = self.temporal_ui_url
        return f"{ui}/namespaces/{self.temporal_namespace}/workflows" if ui else None

    def as_environment(self) -> dict[str, str]:
        """The settings by which the applications, and the other commands, find everything."""
        settings = {
            "HANDOFF_DATABASE_URL": self.database_url,
            "HANDOFF_REDIS_URL": self.redis_url,
            "HANDOFF_SMTP_URL": self.smtp_url,
            "HANDOFF_PUBLIC_URL": self.public_url,
            "HANDOFF_EMBEDDED": "1",
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_NAMESPACE": self.temporal_namespace,
        }
        if self.temporal_ui_url:
            settings["HANDOFF_TEMPORAL_UI_URL"] = self.temporal_ui_url
        if self.auth_secret:
            settings["HANDOFF_AUTH_SECRET"] = self.auth_secret
        if self.auth_jwks_url:
            settings["HANDOFF_AUTH_JWKS_URL"] = self.auth_jwks_url
        if self.payload_keys:
            settings["HANDOFF_PAYLOAD_KEYS"] = self.payload_keys
        return settings


def read_state(data_dir: Path) -> StackState | None:
    """The state of the stack that runs in this directory; None when none is ready there."""
    # However it is named: what lies in it is opened without following links.
    data_dir = data_dir.resolve()
    content = read_json_object(data_dir / _FILE)
    names = {field.name for field in fields(StackState)}
    if not names <= content.keys() or not is_held(data_dir):
        return None
    return StackState(**{name: content[name] for name in names})


def write_state(data_dir: Path, state: StackState) -> None:
    write_private_json(data_dir / _FILE, asdict(state))


def remove_state(data_dir: Path) -> None:
    (data_dir / _FILE).unlink(missing_ok=True)
