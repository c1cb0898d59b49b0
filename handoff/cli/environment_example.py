"""`.env.example`, and the names that docker-compose.yml hands on, made from the settings class.

`python -m handoff.cli.environment_example --write` is part of `make fix`, and `--check` of
`make check`. Not a command of `handoff`: only developers need it.
"""

import argparse
import re
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from handoff.leaving import leave_after
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
POSTGRES_HANDOFF_PASSWORD=
POSTGRES_TEMPORAL_PASSWORD=
VALKEY_PASSWORD=

# The Temporal cluster. These and TEMPORAL_API_KEY, TEMPORAL_TLS, TEMPORAL_TLS_CLIENT_CERT_PATH, …
# are read as Temporal's own tools read them.
TEMPORAL_ADDRESS=temporal:7233
TEMPORAL_NAMESPACE=handoff

# Of the bucket that HANDOFF_FILES_URL names, if it does. These and AWS_SESSION_TOKEN, … are read as
# AWS's own tools read them; the last one says where a bucket is that is not Amazon's.
#AWS_ACCESS_KEY_ID=
#AWS_SECRET_ACCESS_KEY=
#AWS_REGION=us-east-1
#AWS_ENDPOINT_URL=https://s3.example.com
"""

EXAMPLES = {
    "database_url": "postgresql://handoff:${POSTGRES_HANDOFF_PASSWORD}@postgres:5432/handoff",
    "redis_url": "redis://:${VALKEY_PASSWORD}@valkey:6379/0",
    "smtp_url": "smtp://mail:1025?tls=none",
    # Never with a value that could stay. The second is not needed with an identity provider.
    "payload_keys": "",
    "auth_secret": "",
}
"""What stands there for settings without which nothing starts."""

NOT_FOR_PRODUCTION = {"HANDOFF_EMBEDDED"}

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


def with_names(compose: str) -> str:
    """The compose file, with the name of every setting that it only hands on from `.env`."""
    said = set(re.findall(r"^  (HANDOFF_\w+): \S", compose, re.MULTILINE))
    names = (f"HANDOFF_{name.upper()}" for name in Settings.model_fields)
    wanted = [f"  {name}:\n" for name in names if name not in said | NOT_FOR_PRODUCTION]
    return re.sub(r"(?:^  HANDOFF_\w+:\n)+", "".join(wanted), compose, count=1, flags=re.MULTILINE)


def files(root: Path) -> dict[Path, str]:
    """What the files should hold."""
    compose = root / "docker-compose.yml"
    return {root / ".env.example": render(), compose: with_names(compose.read_text("utf-8"))}


def main() -> int:
    """Exit code 1 when a file is not what it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--write", action="store_true")
    how.add_argument("--check", action="store_true")
    must_write = parser.parse_args().write
    for path, wanted in files(Path()).items():
        if path.exists() and path.read_text("utf-8") == wanted:
            continue
        if not must_write:
            sys.stderr.write(f"{path} is not up to date with the settings: run `make fix`\n")
            return 1
        path.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    leave_after(main)
