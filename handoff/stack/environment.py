"""The environment that a stack was started in: what the user gave, and what its parts inherit.

Reads no setting; `handoff.settings` does. It only has to know which are there, and to hand them on.
"""

import os
from collections.abc import Mapping

from handoff.settings import load_settings

# Stand-ins for what the stack will provide, so that everything else can be checked before.
_PROVIDED = {
    "database_url": "postgresql://127.0.0.1/handoff",
    "redis_url": "redis://127.0.0.1",
    "smtp_url": "smtp://127.0.0.1?tls=none",
    "auth_secret": "0" * 64,
    "payload_keys": "0" * 64,
}


def inherited_environment() -> dict[str, str]:
    """All of it. An empty variable counts as none, as it does for the settings."""
    return {name: value for name, value in os.environ.items() if value}


def check_settings(environment: Mapping[str, str]) -> None:
    """Finds a bad setting before anything is started.

    Raises:
        ConfigurationError: names it.
    """
    missing = {
        name: value
        for name, value in _PROVIDED.items()
        if f"HANDOFF_{name.upper()}" not in environment
    }
    load_settings(**missing)
