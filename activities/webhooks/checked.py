"""The way to addresses that an account has given us: names are looked up here, and what they lead
to is judged and connected to in one go, so that no name can change in between."""

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from uuid import UUID

import httpcore
import httpx

LOOKUPS, OF_ONE_ACCOUNT = 64, 8
"""Names that are looked up at once, and those of one account. A look-up cannot be called off, so
these threads are for nobody else: a name that hangs holds up no mail server's; and those of one
account's that hang hold up its own alone."""

on_behalf_of: ContextVar[UUID | None] = ContextVar("on_behalf_of", default=None)
"""For which account something is posted: httpx hands nothing down to whoever connects for it."""

ONE_OF_SEVERAL = 3.0
"""Seconds that one of several addresses of a name has while others are left to try."""

KEPT_ALIVE = 100
KEPT_FOR = 90.0

_ALSO_REFUSED = tuple(
    map(
        ip_network,
        (
            "168.63.129.16/32",  # Azure's host, which looks like any other address
            "192.0.0.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "2002::/16",  # these two lead to IPv4 addresses
            "2001::/32",
            "::/3",  # of IPv6, only 2000::/3 is given out to anybody
            "4000::/2",
            "8000::/1",
        ),
    )
)


@cache
def _lookups() -> ThreadPoolExecutor:
    """A process's, for all that it posts."""
    return ThreadPoolExecutor(LOOKUPS, thread_name_prefix="webhook-names")


class Lookups:
    """Names that are looked up, so many of one account at once."""

    def __init__(self) -> None:
        self._under_way: dict[UUID | None, asyncio.Semaphore] = {}

    async def find(self, host: str, port: int) -> list[Any]:
        """As `getaddrinfo` has it. Whoever gives up waiting leaves the thread at its work, and the
        account has its turn back when that is done."""
        account = on_behalf_of.get()
        turns = self._under_way.setdefault(account, asyncio.Semaphore(OF_ONE_ACCOUNT))
        await turns.acquire()
        loop = asyncio.get_running_loop()
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        looking = loop.run_in_executor(_lookups(), look_up)
        looking.add_done_callback(lambda done: self._let_go(done, turns))
        return await asyncio.shield(looking)

    def _let_go(self, done: asyncio.Future[Any], turns: asyncio.Semaphore) -> None:
        turns.release()
        if not done.cancelled():
            # Nobody may be left to hear of it.
            done.exception()


class AddressRefused(httpcore.ConnectError):
    """The name leads to a place that is not for accounts to reach."""


class NameUnknown(httpcore.ConnectError):
    """The name leads nowhere at present."""


def is_public(address: str) -> bool:
    """Whether an address is somebody's on the open internet."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    if mapped is not None:
        return is_public(str(mapped))
    refused = any(found in network for network in _ALSO_REFUSED if network.version == found.version)
    return found.is_global and not found.is_multicast and not refused


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to what may be reached, by the very address that was judged.

    TLS is spoken with the name, whatever the address: a certificate is the host's.
    """

    def __init__(self, backend: httpcore.AsyncNetworkBackend, *, allows_private: bool) -> None:
        self._backend = backend
        self._allows_private = allows_private
        self._lookups = Lookups()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first of its addresses that answers; to none if one must not be reached."""
        addresses = await self._addresses(host, port)
        if not self._allows_private and not all(map(is_public, addresses)):
            raise AddressRefused("not an address of the open internet")
        last: Exception = NameUnknown("no address")
        for address in addresses:
            within = timeout if address == addresses[-1] else ONE_OF_SEVERAL
            try:
                return await self._backend.connect_tcp(
                    address, port, within, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                last = fault
        raise last

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Nobody's."""
        raise AddressRefused("not an address of the open internet")

    async def sleep(self, seconds: float) -> None:
        """As the backend does."""
        await self._backend.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = await self._lookups.find(host, port)
        except (OSError, UnicodeError) as fault:
            raise NameUnknown(type(fault).__name__) from None
        return list(dict.fromkeys(str(place[4][0]) for place in found))


def checked_client(*, allows_private: bool) -> httpx.AsyncClient:
    """A client that follows no redirect, asks no proxy, and goes nowhere unchecked.

    It waits for nobody: times are its caller's to bound.
    """
    limits = httpx.Limits(
        max_connections=None,
        max_keepalive_connections=KEPT_ALIVE,
        keepalive_expiry=KEPT_FOR,
    )
    transport = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
    pool: Any = transport._pool
    # httpx has no name for this; a test sees that nothing goes around it.
    pool._network_backend = CheckedBackend(pool._network_backend, allows_private=allows_private)
    return httpx.AsyncClient(
        transport=transport, follow_redirects=False, trust_env=False, timeout=httpx.Timeout(None)
    )
