"""Started by root, servers run as somebody else, and their programs are brought to that user."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from handoff.stack.system_user import SystemUser, bring_programs
from tests.smoke.stack import place

__all__ = ["place"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")


@pytest.fixture
def nobody() -> SystemUser:
    found = pwd.getpwnam("nobody")
    return SystemUser(found.pw_uid, found.pw_gid)


@pytest.fixture
def installed(place: Path) -> Path:
    """A package in a home that only root may enter, with a program that everybody may run."""
    package = place / "private" / "package"
    (package / "bin").mkdir(parents=True)
    (place / "private").chmod(0o700)
    program = package / "bin" / "program"
    shutil.copy("/bin/true", program)
    program.chmod(0o755)
    return package


def runs(program: Path, *, user: SystemUser) -> bool:
    ended = subprocess.run([program], user=user.uid, group=user.gid, check=False)
    return ended.returncode == 0


def test_programs_of_a_private_clone_are_run_by_it_and_reached_by_nobody_else(
    place: Path, installed: Path, nobody: SystemUser
) -> None:
    assert not nobody.can_reach(installed)
    brought = bring_programs((installed,), into=place / "programs", user=nobody)
    program = brought / "package" / "bin" / "program"
    assert runs(program, user=nobody)
    assert program.samefile(installed / "bin" / "program"), "linked, for it takes no room"
    with pytest.raises(PermissionError):
        runs(program, user=SystemUser(nobody.uid - 1, nobody.gid - 1))
    assert stat.S_IMODE((place / "private").stat().st_mode) == 0o700, "its own home stays closed"


def test_a_program_that_was_installed_for_root_alone_is_copied(
    place: Path, installed: Path, nobody: SystemUser
) -> None:
    source = installed / "bin" / "program"
    source.chmod(0o700)
    brought = bring_programs((installed,), into=place / "programs", user=nobody)
    assert runs(brought / "package" / "bin" / "program", user=nobody)
    assert stat.S_IMODE(source.stat().st_mode) == 0o700


def test_what_an_earlier_version_left_open_is_closed(
    place: Path, installed: Path, nobody: SystemUser
) -> None:
    into = place / "programs"
    brought = bring_programs((installed,), into=into, user=nobody)
    into.chmod(0o755)
    assert bring_programs((installed,), into=into, user=nobody) == brought
    assert stat.S_IMODE(into.stat().st_mode) == 0o700
