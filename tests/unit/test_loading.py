"""What each program loads before it can do its work, and what is left to who needs it."""

import gc
import json
import subprocess
import sys

import pytest

from handoff.loading import for_good

SEEN = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""

RARELY_NEEDED = {
    "scim2_models": "a SCIM request",
    "lark": "a SCIM request",
    "authlib": "a sign-in at a provider",
    "joserfc": "a sign-in at a provider",
    "httpx": "a provider's keys",
    "alembic": "the migrations",
    "puremagic": "a file that is no text",
}


@pytest.mark.parametrize(
    ("program", "left_out"),
    [
        ("api.app", {*RARELY_NEEDED}),
        ("worker.running", {*RARELY_NEEDED, "fastapi"}),
        (
            "handoff.__main__",
            {
                *RARELY_NEEDED,
                "fastapi",
                "starlette",
                "sqlalchemy",
                "asyncpg",
                "redis",
                "temporalio",
            },
        ),
        ("handoff.cli.doctor", {*RARELY_NEEDED, "fastapi", "sqlalchemy", "temporalio"}),
        ("handoff.stack.doctor.reach", {"fastapi", "starlette", "uvicorn"}),
        ("api.__main__", {"fastapi", "sqlalchemy", "temporalio"}),
        ("worker.__main__", {"fastapi", "sqlalchemy", "temporalio"}),
    ],
)
def test_a_program_loads_what_it_needs(program: str, left_out: set[str]) -> None:
    told = subprocess.run(
        [sys.executable, "-c", SEEN, program], capture_output=True, text=True, check=True
    )
    loaded = left_out & set(json.loads(told.stdout))
    whose = {name: RARELY_NEEDED.get(name, "another program") for name in loaded}
    assert not loaded, f"{program} loads what only these need; load it there: {whose}"


def test_the_collector_works_again_after_the_start() -> None:
    with for_good():
        assert not gc.isenabled()
    try:
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
