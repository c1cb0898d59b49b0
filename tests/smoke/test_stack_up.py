"""`handoff up` as a person runs it: everything there, in time and in bounds, and all gone after."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from handoff.stack.state import read_state
from tests.smoke.stack import RunningStack, kept, new_place, processes_in, supervised, until

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the witness of leftovers is Linux's /proc"
)
MEMORY = 700 * 1024**2
EXTERNAL = {
    "HANDOFF_DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/none",
    "HANDOFF_REDIS_URL": "redis://127.0.0.1:1",
    "HANDOFF_SMTP_URL": "smtp://127.0.0.1:1?tls=none",
    "TEMPORAL_ADDRESS": "127.0.0.1:1",
}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "handoff", *arguments]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = ("HANDOFF_", "TEMPORAL_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        command(*arguments),
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    with new_place() as place, socket.create_server(("127.0.0.1", 0)) as busy:
        arguments = ("up", f"--port={busy.getsockname()[1]}", f"--data-dir={place / 'data'}")
        with supervised(place / "data", command(*arguments)) as running:
            running.wait_ready()
            yield running
            pids = _all_pids(running)
            assert running.end(signal.SIGINT) == 0
            assert "stopped" in running.said
            assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
            assert not (place / "data" / "stack.json").exists()


def test_everything_is_there_when_it_says_so(stack: RunningStack) -> None:
    told = kept(stack.data_dir, "stack.json")
    addresses = {"api_url", "console_url", "temporal_ui_url", "mail_url"}
    assert addresses | {"database_url", "redis_url", "smtp_url", "temporal_address"} <= set(told)
    assert set(told["pids"]) == {"api", "worker", "temporal", "postgres", "valkey", "mail"}
    assert stat.S_IMODE((stack.data_dir / "stack.json").stat().st_mode) == 0o600
    until(lambda: stack.said.endswith("\nready\n"))
    for address in (
        f"{told['api_url']}/readyz",
        f"{told['operator_url']}/metrics",
        told["temporal_ui_url"],
        told["mail_url"],
    ):
        assert httpx.get(address).status_code == 200


def test_a_busy_port_is_chosen_around_and_said(stack: RunningStack) -> None:
    found = re.search(r"port (\d+) is busy; the API uses (\d+)", stack.said)
    assert found is not None
    assert stack.state.api_url == f"http://127.0.0.1:{found[2]}"


@pytest.mark.parametrize("page", ["console_url", "api_url", "temporal_ui_url", "mail_url"])
def test_no_page_elsewhere_can_call_itself_by_its_own_name(stack: RunningStack, page: str) -> None:
    address = kept(stack.data_dir, "stack.json")[page]
    port = address.rstrip("/").rpartition(":")[2]
    for path in ("/", "/sign-in", "/api/v1/namespaces", "/readyz"):
        for host in ("evil.test", f"evil.test:{port}", "127.0.0.1.evil.test", f"localhost.:{port}"):
            refused = httpx.get(address.rstrip("/") + path, headers={"Host": host})
            assert 400 <= refused.status_code < 500, (path, host)
            assert "Bo Berg" not in refused.text
            assert "handoff" not in refused.text or "printed" in refused.text
    assert httpx.get(address.replace("127.0.0.1", "localhost")).status_code in (200, 303, 404)


def test_no_workflow_is_ended_under_another_name(stack: RunningStack) -> None:
    ui = str(stack.state.temporal_ui_url)
    path = "/api/v1/namespaces/handoff/workflows/any/terminate"
    refused = httpx.post(ui + path, headers={"Host": "evil.test"}, json={})
    assert refused.status_code == 403
    # The pages behind it are not where a page would look for them.
    port = int(ui.rpartition(":")[2])
    listening = [
        line.split()[1].split(":")
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    assert [address for address, at in listening if int(at, 16) == port] == ["0100007F"]
    assert httpx.get(f"{ui}/api/v1/namespaces").json()["namespaces"]


def test_a_connection_carries_one_request(stack: RunningStack) -> None:
    port = int(str(stack.state.temporal_ui_url).rpartition(":")[2])
    good = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n"
    bad = b"GET /api/v1/namespaces HTTP/1.1\r\nHost: evil.test\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(good + bad)
        said = b"".join(iter(lambda: client.recv(65536), b""))
    assert said.count(b"HTTP/1.1 200") == 1
    assert b'"namespaces"' not in said


def test_the_demo_account_can_sign_in(stack: RunningStack) -> None:
    token = run("token", "bo@acme.test", f"--data-dir={stack.data_dir}").stdout.strip()
    signed_in = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{stack.state.api_url}/ai-sessions/queue", headers=signed_in).json() == []


def test_a_second_one_is_refused(stack: RunningStack) -> None:
    second = run("up", f"--data-dir={stack.data_dir}")
    assert second.returncode == 1
    assert second.stderr.startswith("another stack runs in ")


def test_the_doctor_finds_everything_well_whenever_it_is_asked(stack: RunningStack) -> None:
    for _ in range(3):
        found = run("doctor", f"--data-dir={stack.data_dir}")
        assert found.returncode == 0, found.stdout
        assert "wrong" not in found.stdout


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_killed_application_is_started_again(stack: RunningStack, name: str) -> None:
    before = stack.state.pids[name]
    os.kill(before, signal.SIGKILL)
    until(partial(_is_another, stack, name, before))
    assert f"{name} was killed by signal 9; starting it again\n" in stack.said, "at once"
    until(lambda: f"{name} is back" in stack.said)
    assert httpx.get(f"{stack.state.api_url}/livez").status_code == 200


def test_it_fits_into_its_memory(stack: RunningStack) -> None:
    assert sum(_memory(pid) for pid in _all_pids(stack)) < MEMORY


def test_killed_it_takes_its_applications_along(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    arguments = ("up", "--port=0", "--no-demo", f"--data-dir={data_dir}")
    with supervised(data_dir, command(*arguments)) as stack:
        pids = stack.wait_ready().pids
        stack.end(signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids.values()))
        assert read_state(data_dir) is None


def test_a_part_that_cannot_start_is_shown_with_its_last_lines(tmp_path: Path) -> None:
    failed = run("up", "--port=0", f"--data-dir={tmp_path / 'data'}", **EXTERNAL)
    assert failed.returncode != 0
    assert failed.stderr.startswith("migrate ended with code ")
    assert "secret" not in failed.stdout + failed.stderr
    assert not (tmp_path / "data" / "stack.json").exists()


def test_a_bad_setting_is_named_before_anything_starts(tmp_path: Path) -> None:
    failed = run("up", f"--data-dir={tmp_path / 'data'}", HANDOFF_MAX_ROUNDS="many")
    assert failed.returncode == 78
    assert "HANDOFF_MAX_ROUNDS" in failed.stderr
    assert not (tmp_path / "data").exists()


def test_the_doctor_is_content_before_the_first_start(tmp_path: Path) -> None:
    found = run("doctor", f"--data-dir={tmp_path / 'data'}")
    assert found.returncode == 0, found.stdout
    assert "none runs in" in found.stdout
    assert not (tmp_path / "data").exists(), "it changes nothing"


def test_the_doctor_says_what_does_not_answer(tmp_path: Path) -> None:
    found = run("doctor", f"--data-dir={tmp_path}", **EXTERNAL)
    assert found.returncode == 3
    for name in ("postgresql", "redis", "temporal", "smtp"):
        assert re.search(rf"^wrong  {name} +does not answer", found.stdout, re.MULTILINE)
    assert "secret" not in found.stdout


def test_the_doctor_calls_bad_configuration_by_its_name(tmp_path: Path) -> None:
    found = run("doctor", f"--data-dir={tmp_path}", HANDOFF_SMTP_URL="http://mail.test")
    assert found.returncode == 78
    assert "HANDOFF_SMTP_URL" in found.stdout


def test_the_doctor_minds_a_directory_that_others_can_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    found = run("doctor", f"--data-dir={tmp_path}")
    assert found.returncode == 1
    assert f"chmod 700 {tmp_path}" in found.stdout


def _is_another(stack: RunningStack, name: str, pid: int) -> bool:
    return stack.state.pids[name] != pid


def _all_pids(stack: RunningStack) -> set[int]:
    return processes_in(stack.data_dir) | set(stack.state.pids.values())


def _memory(pid: int) -> int:
    """What it has for itself and its share of what it shares, in bytes."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss: +(\d+) kB", told, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
