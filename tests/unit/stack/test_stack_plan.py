"""What a stack tells its applications, and everybody else, about where they listen."""

from pathlib import Path

import pytest

from handoff.addresses import Listen
from handoff.errors import ConfigurationError
from handoff.stack.application import PythonPart
from handoff.stack.home import hold_home
from handoff.stack.plan import Planner
from handoff.stack.ports import Ports, is_free

BY_OTHERS = {
    "HANDOFF_DATABASE_URL": "postgresql://me:hush@db.example.com/support",
    "HANDOFF_REDIS_URL": "redis://redis.example.com",
    "HANDOFF_SMTP_URL": "smtp://mail.example.com",
    "TEMPORAL_ADDRESS": "temporal.example.com:7233",
}


def _listens(tmp_path: Path, given: str) -> dict[str, str]:
    """Where the API and the worker are told to listen, and what everybody is told of it."""
    with hold_home(tmp_path) as home:
        planner = Planner(
            home,
            Ports(tmp_path / "ports.json"),
            BY_OTHERS | ({"HANDOFF_OPERATOR_LISTEN": given} if given else {}),
        )
        plan = planner.plan(api_port=8000, demo=False)
    told = {"told": plan.state.operator_url.removeprefix("http://")}
    for part in plan.applications:
        assert isinstance(part, PythonPart)
        told[part.name] = part.environment["HANDOFF_OPERATOR_LISTEN"]
    return told


@pytest.mark.parametrize("given", ["", "127.0.0.1:0", "127.0.0.1:29464", "0.0.0.0:29464"])
def test_what_is_told_is_where_the_api_listens_and_the_worker_has_another(
    tmp_path: Path, given: str
) -> None:
    listens = _listens(tmp_path, given)
    assert listens["api"] == listens["told"]
    api, worker = Listen.parse(listens["api"]), Listen.parse(listens["worker"])
    assert api.host == worker.host == (given.rpartition(":")[0] or "127.0.0.1")
    assert 0 not in (api.port, worker.port)
    assert api.port != worker.port
    if given.endswith("29464") and is_free(29464):
        assert api.port == 29464


def test_an_address_that_is_none_names_its_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="HANDOFF_OPERATOR_LISTEN"):
        _listens(tmp_path, "9464")
