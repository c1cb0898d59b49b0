"""Ports are kept over restarts, and a busy one is chosen around."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff.stack.ports import Ports, is_free


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_port_of_last_time_is_chosen_again(tmp_path: Path) -> None:
    chosen = Ports(tmp_path / "ports.json").choose("api")
    assert Ports(tmp_path / "ports.json").choose("api") == chosen


def test_a_busy_port_is_chosen_around(tmp_path: Path, busy: int) -> None:
    ports = Ports(tmp_path / "ports.json")
    chosen = ports.choose("api", wanted=busy)
    assert chosen != busy
    assert is_free(chosen)


def test_no_port_is_given_twice(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    chosen = [ports.choose(f"part {number}", wanted=20_000) for number in range(5)]
    assert len(set(chosen)) == 5


def test_a_port_that_was_lost_to_somebody_else_is_noticed(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    chosen = ports.choose("api")
    assert not ports.some_were_taken()
    with socket.create_server(("127.0.0.1", chosen)):
        assert ports.some_were_taken()


def test_a_damaged_memory_is_no_memory(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"api": "8000", ')
    assert Ports(tmp_path / "ports.json").choose("api") > 0
