"""The operator's address: the desk in numbers, what is wrong; nothing of it on the public one."""

import socket

import httpx
import pytest

from handoff.addresses import Listen
from handoff.errors import ConfigurationError
from handoff.operator import serving
from tests.support.cast import AMIR, BO, OLIVE, SENIORS
from tests.support.desk import Desk


async def test_the_desk_in_numbers(desk: Desk) -> None:
    handoff = await desk.escalate(priority="urgent", engineer_notes="secret notes")
    await desk.expect_mails(SENIORS, handoff)
    await desk.park()
    async with desk.listen(AMIR):
        text = (await desk.operator().get("/metrics")).text
    assert 'handoff_handoffs{priority="urgent",status="open"} 1.0' in text
    assert 'handoff_handoffs{priority="normal",status="parked"} 1.0' in text
    assert "handoff_streams_open 1.0" in text
    assert "handoff_handoffs_unanswered 0.0" in text
    route = "/ai-sessions/{session_id}/handoff"
    assert f'handoff_http_requests_total{{method="POST",route="{route}",status="201"}} 2.0' in text
    for private in (str(handoff.id), str(BO.id), "secret notes", BO.email):
        assert private not in text


async def test_everybody_gets_a_word_and_the_operator_the_reason(desk: Desk) -> None:
    assert desk.services is not None
    await desk.services.redis.aclose()
    desk.services.redis = type(desk.services.redis).from_url("redis://127.0.0.1:1")
    public = await desk.http().get("/readyz")
    assert public.json()["checks"]["redis"] == {"status": "degraded"}
    assert all(check.keys() == {"status"} for check in public.json()["checks"].values())
    told = await desk.operator().get("/readyz")
    assert told.json()["checks"]["redis"]["detail"] == "Redis does not answer: ConnectionError"
    assert told.json()["checks"].keys() == public.json()["checks"].keys()


async def test_nothing_of_it_on_the_public_address(front_desk: Desk) -> None:
    for who in (None, OLIVE):
        assert (await front_desk.http(who).get("/metrics")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/livez", {}, 200),
        ("HEAD", "/readyz", {}, 200),
        ("GET", "/metrics", {"Host": "localhost"}, 200),
        ("GET", "/metrics", {"Host": "[::1]:9464"}, 200),
        ("GET", "/metrics", {"Host": "evil.test"}, 403),
        ("GET", "/readyz", {"Host": "127.0.0.1.evil.test"}, 403),
        ("POST", "/metrics", {}, 405),
        ("GET", "/ai-sessions", {}, 404),
        ("GET", "/", {}, 404),
    ],
)
async def test_it_tells_this_machine_and_does_nothing(
    front_desk: Desk, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await front_desk.operator().request(method, path, headers=headers)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


async def test_a_port_that_is_taken_is_chosen_around() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with serving({}, Listen("127.0.0.1", port)) as url:
            assert url != f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
                assert (await http.get("/livez")).status_code == 404


async def test_an_address_that_is_not_of_this_machine_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="HANDOFF_OPERATOR_LISTEN"):
        async with serving({}, Listen("192.0.2.1", 9464)):
            pytest.fail("nobody can listen there")
