"""The supervisor's promises, on the real servers: nothing is left behind, and nothing lost."""

import os
import signal
import smtplib
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest
from temporalio.client import Client

from handoff.stack.home import PROGRAMS
from handoff.stack.state import StackState, read_state
from tests.smoke.stack import (
    SERVICES_ONLY,
    RunningStack,
    kept,
    new_place,
    place,
    processes_in,
    services_only,
    until,
)

__all__ = ["place"]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the witness of leftovers is Linux's /proc"
)


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """For tests that only look at it."""
    with new_place() as place, services_only(place / "data") as running:
        yield running


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_stops_everything_and_ends_well(place: Path, how: signal.Signals) -> None:
    data_dir = place / "data"
    with services_only(data_dir) as stack:
        assert len(processes_in(data_dir)) > 4
        assert stack.end(how) == 0
    assert processes_in(data_dir) == set()
    assert not (data_dir / "stack.json").exists()
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_stopped_while_it_starts_it_leaves_nothing(place: Path) -> None:
    data_dir = place / "data"
    process = subprocess.Popen([sys.executable, "-c", SERVICES_ONLY, str(data_dir)])
    until(lambda: (data_dir / "processes.json").exists())
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert processes_in(data_dir) == set()


async def test_killed_it_leaves_no_process_and_loses_nothing(place: Path) -> None:
    data_dir = place / "data"
    with services_only(data_dir) as stack:
        before = stack.state
        await _leave_traces(before)
        stack.end(signal.SIGKILL)
        assert read_state(data_dir) is None, "a stale state must not look like a running stack"
        until(lambda: not processes_in(data_dir), why="everything to be gone")
    with services_only(data_dir) as stack:
        after = stack.state
        assert await _traces(after) == ["kept", "traced", "kept mail"]
        assert after.pids.keys() == before.pids.keys()
        assert after.database_url == before.database_url, "the same ports, since they were free"


def test_a_dead_part_is_started_again_and_its_new_pid_told(place: Path) -> None:
    data_dir = place / "data"
    with services_only(data_dir) as stack:
        before = stack.state
        for pid in before.pids.values():
            os.kill(pid, signal.SIGKILL)
        for name, pid in before.pids.items():
            until(partial(_is_another, stack, name, pid), why=f"a new {name}")
            until(partial(_has_said, stack, f"{name} is back"))
            assert f"{name} was killed by signal 9; starting it again\n" in stack.said
        assert stack.state.database_url == before.database_url
        os.kill(stack.state.pids["valkey"], signal.SIGKILL)
        until(lambda: "starting it again in 0.2 s" in stack.said, why="a pause, the second time")


def test_a_second_stack_in_the_same_place_is_refused(stack: RunningStack) -> None:
    second = subprocess.run(
        [sys.executable, "-c", SERVICES_ONLY, str(stack.data_dir)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "another stack runs in" in second.stderr
    assert stack.state.pids, "the first one is not disturbed"


def test_a_busy_port_is_chosen_around(place: Path) -> None:
    data_dir = place / "data"
    with services_only(data_dir) as stack:
        before = kept(data_dir, "ports.json")
        stack.end(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", before["postgres"])), services_only(data_dir):
        after = kept(data_dir, "ports.json")
    assert after["postgres"] != before["postgres"]
    assert after["temporal"] == before["temporal"]


def test_only_its_owner_can_read_what_it_keeps(stack: RunningStack) -> None:
    # Started by root, the servers pass through to what is theirs; they read and write nothing else.
    mode = 0o710 if os.geteuid() == 0 else 0o700
    assert stat.S_IMODE(stack.data_dir.stat().st_mode) == mode
    assert stack.data_dir.stat().st_uid == os.geteuid()
    # Programs are no secret, and keep the rights with which they were installed: where they had to
    # be brought here, the door of their directory is closed.
    programs = stack.data_dir / PROGRAMS
    open_to_others = [
        path
        for path in stack.data_dir.rglob("*")
        if path.exists()
        and programs not in path.parents
        and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert open_to_others == []
    assert stat.S_IMODE((stack.data_dir / "stack.json").stat().st_mode) == 0o600


def test_the_servers_do_not_run_as_root(stack: RunningStack) -> None:
    for name in ("postgres", "valkey", "temporal"):
        assert Path(f"/proc/{stack.state.pids[name]}").stat().st_uid != 0


def test_they_listen_on_loopback_only(stack: RunningStack) -> None:
    ports = {f"{port:04X}" for port in kept(stack.data_dir, "ports.json").values()}
    listening = [
        line.split()[1].split(":")
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    assert {address for address, port in listening if port in ports} == {"0100007F"}


def test_no_secret_can_be_seen_in_a_list_of_processes(stack: RunningStack) -> None:
    secrets = kept(stack.data_dir, "secrets.json")
    told = "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in processes_in(stack.data_dir))
    passwords = [value for name, value in secrets.items() if "password" in name or "auth" in name]
    assert passwords
    assert not [value for value in passwords if value in told]


def test_what_the_user_names_is_used_instead(place: Path) -> None:
    given = {
        "HANDOFF_DATABASE_URL": "postgresql://someone@database.test/theirs",
        "HANDOFF_SMTP_URL": "smtp://mail.test",
    }
    with services_only(place / "data", given) as stack:
        assert stack.state.pids.keys() == {"temporal", "valkey"}
        assert stack.state.database_url == given["HANDOFF_DATABASE_URL"]
        assert stack.state.smtp_url == given["HANDOFF_SMTP_URL"]
        assert stack.state.mail_url is None


def test_a_directory_that_holds_something_else_is_left_alone(place: Path) -> None:
    (place / "thesis.txt").write_text("mine")
    place.chmod(0o755)
    refused = subprocess.run(
        [sys.executable, "-c", SERVICES_ONLY, str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "not a Handoff data directory" in refused.stderr
    assert stat.S_IMODE(place.stat().st_mode) == 0o755
    assert [path.name for path in place.iterdir()] == ["thesis.txt"]


def _is_another(stack: RunningStack, name: str, pid: int) -> bool:
    return stack.state.pids[name] != pid


def _has_said(stack: RunningStack, text: str) -> bool:
    return text in stack.said


async def _leave_traces(state: StackState) -> None:
    connection = await asyncpg.connect(state.database_url)
    await connection.execute("CREATE TABLE traces AS SELECT 'kept' AS trace")
    await connection.close()
    client = await Client.connect(state.temporal_address)
    await client.start_workflow("traced", id="trace", task_queue="nobody")
    host, port = state.smtp_url.removeprefix("smtp://").partition("?")[0].split(":")
    mail = EmailMessage()
    mail["Subject"] = "kept mail"
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.send_message(mail, "from@acme.test", ["to@acme.test"])


async def _traces(state: StackState) -> list[str]:
    connection = await asyncpg.connect(state.database_url)
    trace = await connection.fetchval("SELECT trace FROM traces")
    await connection.close()
    client = await Client.connect(state.temporal_address)
    workflow = await client.get_workflow_handle("trace").describe()
    async with httpx.AsyncClient() as http:
        mails = (await http.get(f"{state.mail_url}/api/messages")).json()
    return [trace, workflow.workflow_type, mails[0]["subject"]]
