"""Started by root, the stack is led nowhere by what the servers' user has planted."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff.errors import ConfigurationError
from handoff.stack.files import make_directory, open_own, read_json_object, read_of_others, touch
from handoff.stack.home import hold_home
from handoff.stack.state import read_state
from handoff.stack.system_user import SystemUser, bring_programs
from tests.smoke.stack import place, services_only

__all__ = ["place"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to lose")

NOBODY = pwd.getpwnam("nobody")


def as_nobody(*command: str | Path) -> int:
    """What the servers' account could do, once it was taken over."""
    ended = subprocess.run(
        command, user=NOBODY.pw_uid, group=NOBODY.pw_gid, check=False, capture_output=True
    )
    return ended.returncode


@pytest.fixture
def treasure(place: Path) -> Path:
    """A file and a directory of root's beside the stack."""
    directory = place / "treasure"
    directory.mkdir(mode=0o755)
    (directory / "file").write_text("root's own\n")
    return directory


def is_untouched(treasure: Path) -> bool:
    kept = treasure.stat(), (treasure / "file").stat()
    return (
        all(facts.st_uid == 0 for facts in kept)
        and stat.S_IMODE(kept[0].st_mode) == 0o755
        and [path.name for path in treasure.iterdir()] == ["file"]
        and (treasure / "file").read_text() == "root's own\n"
    )


def earlier(place: Path) -> Path:
    """A data directory as earlier versions left it: the servers' user's own."""
    data_dir = place / "data"
    data_dir.mkdir(mode=0o700)
    (data_dir / "lock").touch(mode=0o600)
    os.chown(data_dir, NOBODY.pw_uid, NOBODY.pw_gid)
    return data_dir


def test_the_servers_user_can_place_nothing_in_the_data_directory(place: Path) -> None:
    with hold_home(place / "data") as home:
        home.server_directory("valkey")
        home.own_directory("logs")
        for directory in (home.data_dir, home.servers_dir, home.data_dir / "logs"):
            assert directory.stat().st_uid == 0
            assert as_nobody("ln", "-s", "/etc", directory / "planted") != 0
        assert as_nobody("mv", home.data_dir / "valkey", home.data_dir / "elsewhere") != 0
        assert as_nobody("touch", home.data_dir / "valkey" / "own") == 0


@pytest.mark.parametrize(
    "planted", ["valkey", "temporal", "postgres.draft", "postgres.password", "logs", "mail"]
)
def test_a_directory_of_its_choice_is_not_given_away(
    place: Path, treasure: Path, planted: str
) -> None:
    data_dir = earlier(place)
    (data_dir / planted).symlink_to(treasure)
    ways: dict[str, Callable[[], object]] = {}
    with hold_home(data_dir) as home:
        ways = {
            "logs": lambda: home.own_directory("logs"),
            "mail": lambda: home.own_directory("mail"),
            "postgres.password": lambda: home.passage("postgres.password"),
        }
        with pytest.raises(ConfigurationError, match="is a link, or belongs to somebody else"):
            ways.get(planted, lambda: home.server_directory(planted))()
    assert is_untouched(treasure)


@pytest.mark.parametrize(
    "planted",
    ["lock", "secrets.json", "ports.json", "processes.json", "account.json", "logs/valkey.log"],
)
@pytest.mark.parametrize("how", ["link", "pipe", "own"])
def test_a_file_of_its_choice_is_neither_written_nor_believed(
    place: Path, treasure: Path, planted: str, how: str
) -> None:
    data_dir = earlier(place)
    target = data_dir / planted
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    if how == "link":
        target.symlink_to(treasure / "file")
    elif how == "pipe":
        os.mkfifo(target)
        os.chown(target, NOBODY.pw_uid, NOBODY.pw_gid)
    else:
        target.write_text('{"auth_secret": "known to somebody else", "uid": 0, "gid": 0}')
        os.chown(target, NOBODY.pw_uid, NOBODY.pw_gid)
    # The directory is root's by now; what lies in it is not.
    os.chown(data_dir, 0, 0)
    with pytest.raises(ConfigurationError):
        read_json_object(target)
    with pytest.raises(ConfigurationError):
        open_own(target, os.O_WRONLY)
    assert is_untouched(treasure)


def test_secrets_that_were_planted_stop_the_start(place: Path) -> None:
    data_dir = earlier(place)
    planted = data_dir / "secrets.json"
    planted.write_text('{"auth_secret": "known to somebody else, 32 bytes or more"}')
    os.chown(planted, NOBODY.pw_uid, NOBODY.pw_gid)
    with hold_home(data_dir) as home, pytest.raises(ConfigurationError, match=r"secrets\.json"):
        home.secret("auth_secret")


def test_what_an_earlier_version_kept_is_taken_over(place: Path) -> None:
    data_dir = earlier(place)
    with hold_home(data_dir):
        pass
    with services_only(data_dir) as stack:
        before = stack.state.pids
        for name in ("postgres", "valkey", "temporal"):
            assert Path(f"/proc/{before[name]}").stat().st_uid == NOBODY.pw_uid
    assert data_dir.stat().st_uid == 0
    # The next start still knows whose the servers' files are, although nothing else tells it.
    with services_only(data_dir) as stack:
        assert Path(f"/proc/{stack.state.pids['postgres']}").stat().st_uid == NOBODY.pw_uid


def test_a_stack_of_somebody_else_is_not_believed(place: Path) -> None:
    theirs = place / ".handoff"
    theirs.mkdir()
    (theirs / "stack.json").write_text("{}")
    (theirs / "lock").touch()
    for path in (theirs / "stack.json", theirs / "lock", theirs):
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        read_state(theirs)


def test_a_hard_link_is_a_name_too_many(place: Path, treasure: Path) -> None:
    data_dir = place / "data"
    make_directory(data_dir)
    os.link(treasure / "file", data_dir / "log")
    with pytest.raises(ConfigurationError):
        open_own(data_dir / "log", os.O_WRONLY | os.O_APPEND)
    with pytest.raises(ConfigurationError):
        touch(data_dir / "log")


def test_a_servers_own_file_is_read_without_waiting_or_following(place: Path) -> None:
    os.mkfifo(place / "pipe")
    (place / "link").symlink_to("/etc/passwd")
    for name in ("pipe", "link", "missing"):
        with pytest.raises(OSError, match=r"pipe|link|missing"):
            read_of_others(place / name)


def test_programs_are_not_written_where_somebody_else_can_plant(
    place: Path, treasure: Path
) -> None:
    nobody = SystemUser(NOBODY.pw_uid, NOBODY.pw_gid)
    package = place / "private" / "package"
    package.mkdir(parents=True)
    package.parent.chmod(0o700)
    shutil.copy("/bin/true", package / "program")
    (package / "program").chmod(0o700)
    into = place / "programs"
    brought = bring_programs((package,), into=into, user=nobody)
    # It may do with its directory what it likes; root never opens anything in there again.
    shutil.rmtree(brought, ignore_errors=True)
    assert as_nobody("ln", "-s", treasure, into / f".{brought.name}") == 0
    assert bring_programs((package,), into=into, user=nobody) == brought
    assert is_untouched(treasure)


@pytest.mark.parametrize("command", [["api", "--port=1"], ["worker"], ["doctor"], ["token", "x"]])
def test_nothing_of_the_present_directory_is_run(place: Path, command: list[str]) -> None:
    here = place / "here"
    witness = place / "witness"
    here.mkdir()
    trap = f"open({str(witness)!r}, 'a').write(__name__)"
    for name in ("api", "worker", "handoff", "workflows", "activities"):
        (here / name).mkdir()
        (here / name / "__init__.py").write_text(trap)
        (here / name / "__main__.py").write_text(trap)
    for name in ("typer", "pydantic", "uvicorn", "json", "asyncio", "sitecustomize"):
        (here / f"{name}.py").write_text(trap)
    environment = {
        "PATH": os.environ["PATH"],
        "HANDOFF_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "HANDOFF_REDIS_URL": "redis://127.0.0.1:1",
        "HANDOFF_SMTP_URL": "smtp://127.0.0.1:1?tls=none",
        "HANDOFF_AUTH_SECRET": "x" * 40,
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
    }
    process = subprocess.Popen(
        [Path(sys.executable).with_name("handoff"), *command],
        cwd=here,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(4)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait(20)
    assert not witness.exists(), witness.read_text()
