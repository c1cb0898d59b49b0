"""What a log tells of an exception, and what it keeps to itself."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from handoff import log
from handoff.errors import NotFound
from handoff.settings import load_settings
from handoff.tracebacks import without_words

WORDS = "the customer's own words"


def told(fault: BaseException) -> str:
    try:
        raise fault
    except type(fault) as caught:
        event: dict[str, Any] = {"event": "request.failed", "exc_info": caught}
        return str(without_words(None, "error", event)["exception"])


def test_the_kind_and_the_place_are_told_but_not_the_words() -> None:
    said = told(ValueError(WORDS))
    assert said.startswith("builtins.ValueError\n")
    assert "test_tracebacks.py" in said
    assert WORDS not in said


def test_words_about_machines_are_kept() -> None:
    assert "Connection refused" in told(ConnectionRefusedError(111, "Connection refused"))
    assert "There is no such handoff" in told(NotFound("There is no such handoff."))


def test_causes_and_groups_are_told_without_words_too() -> None:
    fault = RuntimeError(WORDS)
    fault.__cause__ = KeyError(WORDS)
    said = told(ExceptionGroup(WORDS, [fault]))
    assert WORDS not in said
    assert all(kind in said for kind in ("ExceptionGroup", "RuntimeError", "KeyError"))


def test_postgresqls_code_is_told() -> None:
    fault = RuntimeError(WORDS)
    fault.sqlstate = "23505"  # type: ignore[attr-defined]
    assert told(fault).startswith("builtins.RuntimeError (23505)\n")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What stands on standard error once logs are configured as in production."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    output = io.StringIO()
    monkeypatch.setattr("sys.stderr", output)
    dependencies = {
        "database_url": "postgresql://db.test/handoff",
        "redis_url": "redis://redis.test",
        "smtp_url": "smtp://mail.test",
        "auth_secret": "s" * 32,
    }
    try:
        log.configure(load_settings(log_level="debug", **dependencies))
        yield output
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        # Its own defaults would draw the locals of every frame, in all tests that follow.
        structlog.configure(**before)


def test_a_line_stays_a_line(logged: io.StringIO) -> None:
    hostile = '\x1b[2J\r\n{"event": "forged"}\u2028\u202e'
    structlog.get_logger("test").warning("thing.happened", name=hostile)
    logging.getLogger("library").warning("said %s", hostile)
    lines = logged.getvalue().splitlines()
    assert [json.loads(line)["level"] for line in lines] == ["warning", "warning"]
    assert all(line.isascii() and line.isprintable() for line in lines)


@pytest.mark.parametrize("name", log.TALKATIVE)
def test_talkative_libraries_stay_quiet_even_at_debug(name: str, logged: io.StringIO) -> None:
    logging.getLogger(f"{name}.deep.below").debug("Authorization: Bearer %s", WORDS)
    logging.getLogger("uvicorn.error").debug("< Authorization: Bearer %s", WORDS)
    assert logged.getvalue() == ""
