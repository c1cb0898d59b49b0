"""Where webhooks may go: judged by the address that is connected to, whatever it was called."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpcore
import httpx
import pytest

from activities.webhooks.checked import (
    LOOKUPS,
    OF_ONE_ACCOUNT,
    ONE_OF_SEVERAL,
    AddressRefused,
    CheckedBackend,
    Lookups,
    checked_client,
    is_public,
    on_behalf_of,
)
from activities.webhooks.posting import Parcel, Poster
from activities.webhooks.way_out import _asked
from handoff.program_addresses import is_among, program_address, program_host
from handoff.rules.causes import Cause
from handoff.settings import load_settings

SETTINGS = {
    "database_url": "postgresql://a:b@h/d",
    "redis_url": "redis://h",
    "smtp_url": "smtp://h",
    "auth_secret": "s" * 32,
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "0.0.0.0", "100.64.0.1"),
        *("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1"),
        *("255.255.255.255", "240.0.0.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0"),
        *("fd00:ec2::254", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1"),
        *("::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::"),
        *("2001:db8::1", "2001:0:7f00:1::", "::127.0.0.1"),
    ],
)
def test_what_is_not_on_the_open_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111"])
def test_what_is(address: str) -> None:
    assert is_public(address)


class Inner(httpcore.AsyncNetworkBackend):
    """Notes where it was sent, and answers nobody."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.within: list[float | None] = []

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> Any:
        self.asked.append(host)
        self.within.append(timeout)
        raise httpcore.ConnectError("nobody")


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "0", "localhost"),
        *("::ffff:7f00:1", "::1", "169.254.169.254", "2852039166"),
    ],
)
async def test_every_way_to_write_it_is_the_same_place(host: str) -> None:
    backend = CheckedBackend(inner := Inner(), allows_private=False)
    with pytest.raises(AddressRefused):
        await backend.connect_tcp(host, 80)
    assert inner.asked == []


async def test_a_name_is_asked_once_and_the_answer_is_what_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [["1.1.1.1"], ["127.0.0.1"], ["1.1.1.1", "10.0.0.1"]]

    def look_up(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (one, 80)) for one in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    backend = CheckedBackend(inner := Inner(), allows_private=False)
    with pytest.raises(httpcore.ConnectError, match="nobody"):
        await backend.connect_tcp("changing.test", 80)
    assert (inner.asked, len(answers)) == (["1.1.1.1"], 2)
    for _ in range(2):
        with pytest.raises(AddressRefused):
            await backend.connect_tcp("changing.test", 80)
    assert inner.asked == ["1.1.1.1"]


async def test_a_dead_address_leaves_time_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, 1, 6, "", (one, 80)) for one in ("1.1.1.1", "1.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    backend = CheckedBackend(inner := Inner(), allows_private=False)
    with pytest.raises(httpcore.ConnectError, match="nobody"):
        await backend.connect_tcp("two.test", 80)
    assert inner.within == [ONE_OF_SEVERAL, None]


async def test_names_of_one_account_that_hang_hold_up_its_own_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = threading.Event()

    def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
        if host == "hangs.test":
            answers.wait(10)
        return [host]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    lookups = Lookups()

    async def find(account: UUID, host: str) -> list[Any]:
        on_behalf_of.set(account)
        return await lookups.find(host, 80)

    one, other = uuid4(), uuid4()
    hanging = [asyncio.create_task(find(one, "hangs.test")) for _ in range(2 * LOOKUPS)]
    try:
        async with asyncio.timeout(5):
            assert await find(other, "lives.test") == ["lives.test"]
        # Whoever gives up leaves the thread at its work: it is no free one.
        for task in hanging[:OF_ONE_ACCOUNT]:
            task.cancel()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await find(one, "lives.test")
    finally:
        answers.set()
        await asyncio.gather(*hanging, return_exceptions=True)
    assert await find(one, "lives.test") == ["lives.test"]


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    opened = Poster(load_settings(**SETTINGS))
    yield opened
    await opened.close()


async def test_nothing_goes_around_the_check(
    poster: Poster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)
    port = server.getsockname()[1]
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"):
        posted = await poster.post(
            Parcel("msg_1", uuid4(), f"http://{host}:{port}/", "{}", [SECRET])
        )
        assert (posted.code, posted.cause) == (None, Cause.ADDRESS_REFUSED), host
    with pytest.raises(BlockingIOError):
        server.accept()
    server.close()


async def test_the_client_keeps_no_way_of_its_own() -> None:
    client = checked_client(allows_private=False)
    transport: Any = client._transport
    assert transport._pool._network_backend.__class__ is CheckedBackend
    assert not client._mounts
    assert not client.follow_redirects
    await client.aclose()


@pytest.mark.parametrize(
    "address",
    [
        *("ftp://example.com/", "example.com", "https:///hook", "https://a b/", "javascript:1"),
        *("https://me@example.com/", "https://me:pw@example.com/", "https://example.com/#here"),
        *(
            "https://example.com:99999/",
            "https://exa\\mple.com",
            "https://example.com/ü",
            "https://",
        ),
        *("https://example.com/\r\nHost: x", "https://" + "a" * 3000, "https://[::1/"),
    ],
)
def test_what_is_no_address_of_a_program(address: str) -> None:
    with pytest.raises(ValueError, match=r"must|host|Invalid|port|out of"):
        program_address(address)


def test_addresses_and_hosts_have_one_spelling() -> None:
    assert program_address("HTTPS://Bücher.Example:443/Hook?a=B") == (
        "https://xn--bcher-kva.example/Hook?a=B"
    )
    assert program_host("Example.com:8443") == "example.com:8443"
    hosts = ["example.com", "other.test:8443", "[::1]"]
    assert is_among("https://example.com:999/x", hosts)
    assert is_among("https://other.test:8443/x", hosts)
    assert is_among("http://[::1]:8000/x", hosts)
    assert not is_among("https://other.test/x", hosts)
    assert not is_among("https://example.com.evil.test/x", hosts)


@pytest.mark.parametrize(
    ("status", "said", "seconds"),
    [
        *((503, "120", 120), (429, "0", 1), (502, "99999999999", 86400), (504, "9" * 30, None)),
        *((503, "soon", None), (503, "-5", None), (500, "120", None), (503, "", None)),
        (503, "Wed, 21 Oct 2015 07:28:00 GMT", 1),
    ],
)
def test_how_long_it_may_ask_us_to_wait(status: int, said: str, seconds: int | None) -> None:
    asked = _asked(httpx.Response(status, headers={"retry-after": said}))
    assert (asked and asked.total_seconds()) == seconds
