"""The three servers as tests use them: guarded by passwords, killed and started in place."""

import os
import shutil
from pathlib import Path

import asyncpg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from temporalio.client import Client

from handoff.stack.annex import ANNEXES
from handoff.stack.files import read_json_object
from handoff.stack.home import hold_home
from tests.support.servers import Servers, running_servers


@pytest.mark.parametrize("password", ["", "wrong"])
async def test_postgresql_lets_nobody_in_without_the_password(
    servers: Servers, password: str
) -> None:
    port = servers.postgres.port
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://handoff:{password}@127.0.0.1:{port}/handoff")


async def test_postgresql_keeps_passwords_as_scram_and_the_application_is_no_superuser(
    servers: Servers,
) -> None:
    connection = await asyncpg.connect(servers.postgres.superuser_url)
    kept = await connection.fetch("SELECT rolpassword FROM pg_authid WHERE rolcanlogin")
    super_users = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolsuper")
    await connection.close()
    assert {row["rolpassword"][:14] for row in kept} == {"SCRAM-SHA-256$"}
    assert [row["rolname"] for row in super_users] == ["postgres"]


async def test_the_application_may_make_databases(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.database_url)
    await connection.execute("CREATE DATABASE cloned TEMPLATE handoff")
    await connection.execute("DROP DATABASE cloned")
    await connection.close()


@pytest.mark.parametrize("password", ["", ":wrong@"])
def test_valkey_lets_nobody_in_without_the_password(servers: Servers, password: str) -> None:
    url = f"redis://{password}127.0.0.1:{servers.valkey.port}"
    with Redis.from_url(url) as client, pytest.raises(AuthenticationError):
        client.get("anything")


async def test_each_can_be_killed_and_started_at_the_same_address(tmp_path: Path) -> None:
    with running_servers(tmp_path / "data", durable=False, temporal_in_memory=True) as servers:
        for part in (servers.postgres, servers.valkey, servers.temporal):
            before = part.pid
            part.kill()
            assert not part.is_ready()
            part.start()
            assert part.pid != before
        connection = await asyncpg.connect(servers.database_url)
        await connection.close()
        with Redis.from_url(servers.redis_url) as client:
            assert client.set("rung", "1")
        await Client.connect(servers.temporal_address)


def test_a_frozen_server_answers_nobody_until_it_thaws(servers: Servers) -> None:
    servers.valkey.freeze()
    assert not servers.valkey.is_ready()
    servers.valkey.thaw()
    servers.valkey.wait_ready()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories that are closed to it")
def test_below_a_closed_directory_the_servers_have_one_that_goes_with_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    data_dir = tmp_path / "data"
    with running_servers(data_dir, durable=False, temporal_in_memory=True) as servers:
        annex = servers.postgres.home.servers_dir
        assert annex.parent == ANNEXES
        assert tmp_path.stat().st_mode & 0o077 == 0, "the way to it stays closed"
    moved = data_dir.rename(tmp_path / "moved")
    with hold_home(moved) as home:
        assert home.servers_dir == annex
    shutil.rmtree(moved)
    with hold_home(data_dir) as home:
        assert home.servers_dir != annex
        assert not annex.exists()
        assert read_json_object(data_dir / "secrets.json")["annex"] != annex.name
