"""No program that did its work looks failed, whatever the engine's native threads still do."""

import subprocess
import sys
from typing import IO

import pytest

from tests.support.servers import Servers

# It leaves while calls are under way: a usual end of the interpreter crashes then, or never comes.
WITH_THE_ENGINE = """
import asyncio, sys
from handoff.leaving import leave_after
from handoff.temporal.connect import connect

async def work():
    client = await connect(target_host=sys.argv[1])
    calls = [asyncio.ensure_future(client.service_client.check_health()) for _ in range(20)]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    print("done")
    return 5

leave_after(lambda: asyncio.run(work()))
"""


def run(
    program: str, *arguments: str, output: IO[str] | int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=30,
    )


def test_it_leaves_with_its_code_and_everything_said(servers: Servers) -> None:
    ended = run(WITH_THE_ENGINE, servers.temporal_address)
    assert (ended.returncode, ended.stdout, ended.stderr) == (5, "done\n", "")


@pytest.mark.parametrize("library", ["", "sys.modules[leaving.ENGINE_LIBRARY] = sys"])
@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("return", 0, ""),
        ("return 3", 3, ""),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(78)", 78, ""),
        ("raise SystemExit('why')", 1, "why\n"),
        ("raise KeyboardInterrupt", 130, ""),
        ("raise RuntimeError('a bug')", 1, "RuntimeError: a bug\n"),
    ],
)
def test_the_code_is_what_the_program_has_earned(
    end: str, code: int, said: str, library: str
) -> None:
    ended = run(f"""
import sys
from handoff import leaving
{library}
def main():
    sys.stdout.write("done")
    {end}
leaving.leave_after(main)
""")
    assert (ended.returncode, ended.stdout) == (code, "done")
    assert ended.stderr.endswith(said)
    assert bool(ended.stderr) == bool(said)


def test_what_could_not_be_said_is_a_failure() -> None:
    with open("/dev/full", "w") as full:
        ended = run(
            "from handoff.leaving import leave_after\nleave_after(lambda: print('much'))",
            output=full,
        )
    assert ended.returncode != 0
