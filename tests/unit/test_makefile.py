"""`make help` tells of every command, and the hook before a commit runs one of them."""

import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
[PHONY] = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)


def test_help_tells_of_every_command_in_a_line() -> None:
    told = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = told.stdout.splitlines()
    assert sorted(line.split()[1] for line in lines) == sorted(PHONY.split())
    assert all(len(line.split(maxsplit=2)[2]) > 10 for line in lines)


def test_before_a_commit_the_check_runs_without_asking_anybody_else() -> None:
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == ["make check"]
