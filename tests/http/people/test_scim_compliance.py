"""SCIM by somebody else's measure: every check of scim2-tester, on the schemas that we publish."""

import asyncio

import pytest
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server
from scim2_tester.utils import CheckResult

from tests.http.people.test_scim import provider_of
from tests.support.desk import Desk

FINE = (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE)


@pytest.fixture
async def results(desk: Desk) -> list[CheckResult]:
    async with await provider_of(desk) as provider:
        headers = {"Authorization": provider.headers["Authorization"]}
    base = f"{desk.settings.public_url}/scim/v2"
    return await asyncio.to_thread(_check, f"{desk.base_url}/scim/v2", headers, base)


def _check(address: str, headers: dict[str, str], base: str) -> list[CheckResult]:
    with Client(base_url=address, headers=headers, trust_env=False) as http:
        return check_server(SyncSCIMClient(http))


async def test_every_check_passes(results: list[CheckResult]) -> None:
    failed = [
        f"{found.resource_type} {found.title}: {found.reason}"
        for found in results
        if found.status not in FINE
    ]
    assert not failed, "\n".join(failed)
    assert len(results) >= 49
