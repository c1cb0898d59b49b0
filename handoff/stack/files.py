"""Files that only their owner may read, written whole or not at all.

Knows nothing about parts; every file that the stack writes for itself goes through here.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Any


def write_private(path: Path, content: bytes) -> None:
    """Replaces `path` at once: a reader, or a crash, sees the old content or all of the new."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """A rename is only kept over a power cut once its directory is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private_json(path: Path, content: Any) -> None:
    write_private(path, json.dumps(content, indent=2).encode() + b"\n")


def read_json_object(path: Path) -> dict[str, Any]:
    """What the file holds; empty when it is missing or unreadable as a JSON object."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
