"""PgBouncer in front of a database: the real program, with a configuration of the test's own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit, urlunsplit

import pytest

SERVERS = 4
"""Connections to PostgreSQL, for many more of ours: each transaction gets another one."""


@contextmanager
def pooler_to(url: str, *, mode: str = "transaction", **settings: str) -> Iterator[str]:
    """The address by which the database at `url` is reached through PgBouncer.

    `settings`: more of PgBouncer's own, by name.
    """
    parts = urlsplit(url)
    with socket.socket() as found, TemporaryDirectory(prefix="handoff-test-") as directory:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
        found.close()
        file = Path(directory) / "pgbouncer.ini"
        database = (
            f"host={parts.hostname} port={parts.port} user={unquote(parts.username or '')} "
            f"password='{unquote(parts.password or '')}'"
        )
        lines = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(port),
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": mode,
            "default_pool_size": str(SERVERS),
            "max_client_conn": "200",
        } | settings
        told = "\n".join(f"{name} = {value}" for name, value in lines.items())
        file.write_text(f"[databases]\n* = {database}\n[pgbouncer]\n{told}\n")
        process = subprocess.Popen(
            [_program(), "-q", *(["-u", "nobody"] if os.geteuid() == 0 else []), str(file)],
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, process)
            yield urlunsplit(
                parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}")
            )
        finally:
            process.kill()
            process.wait()


def _program() -> str:
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("PgBouncer is missing; .ci/run installs it")
        pytest.skip("PgBouncer is not installed here: apt-get install pgbouncer")
    return found


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        assert process.poll() is None, "PgBouncer did not start"
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("PgBouncer does not listen")
