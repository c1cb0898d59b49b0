"""`.env.example`, made from the settings class so that the two cannot disagree.

`python -m handoff.commands.environment_example --write .env.example` is part of `make fix`, and
`--check` of `make check`. Not a command of `handoff`: only developers need it.
"""

import argparse
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from handoff.settings import Settings

HEADER = """\
# Every setting of Handoff. Made from handoff/settings.py by `make fix`: change it there.
#
# A line such as #HANDOFF_MAX_ROUNDS=5 shows the default. `handoff up` needs none of them. The
# values without a # are those of docker-compose.yml, which reads a copy of this file named .env;
# with servers of your own, name them here instead.
"""

BESIDE = """
# For docker-compose.yml alone: the passwords of the servers that it starts, made by
# openssl rand -hex 24
POSTGRES_PASSWORD=
TEMPORAL_POSTGRES_PASSWORD=
VALKEY_PASSWORD=

# The Temporal cluster. These and TEMPORAL_API_KEY, TEMPORAL_TLS, TEMPORAL_TLS_CLIENT_CERT_PATH, …
# are read as Temporal's own tools read them.
TEMPORAL_ADDRESS=temporal:7233
TEMPORAL_NAMESPACE=handoff
"""

EXAMPLES = {
    "database_url": "postgresql://handoff:${POSTGRES_PASSWORD}@postgres:5432/handoff",
    "redis_url": "redis://:${VALKEY_PASSWORD}@valkey:6379/0",
    "smtp_url": "smtp://mail:1025?tls=none",
    # Required unless an identity provider is named; never with a value that could stay.
    "auth_secret": "",
}
"""What stands there for settings without which nothing starts."""

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


def render() -> str:
    """The whole file."""
    fields = [_entry(name, field) for name, field in Settings.model_fields.items()]
    return HEADER + BESIDE + "".join(fields)


def _entry(name: str, field: FieldInfo) -> str:
    comment = textwrap.wrap(field.description or name, 98, break_on_hyphens=False)
    lines = ["", *(f"# {line}" for line in comment)]
    if name in EXAMPLES:
        lines.append(f"HANDOFF_{name.upper()}={EXAMPLES[name]}")
    elif field.is_required():
        raise LookupError(f"{name} is required: say in EXAMPLES what it looks like")
    else:
        lines.append(f"#HANDOFF_{name.upper()}={_text(field.default)}")
    return "\n".join(lines) + "\n"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f'"{text}"' if any(character in text for character in " <>&;") else text


def duration_text(value: timedelta) -> str:
    """`15m`, `1h30m`, `300ms`: the form in which settings are written."""
    left = round(value / timedelta(milliseconds=1))
    parts = []
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def main() -> int:
    """Exit code 1 when the file to be checked is not what it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--check", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if arguments.write:
        arguments.write.write_text(render(), "utf-8")
    elif not arguments.check:
        sys.stdout.write(render())
    elif arguments.check.read_text("utf-8") != render():
        sys.stderr.write(f"{arguments.check} is not up to date with the settings: run `make fix`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
