"""One connection to the mail server. The only file that knows aiosmtplib."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from activities.email.smtp_outcome import Reply, Stage, trouble, verdict
from activities.sender import SendOutcome
from handoff.addresses import SmtpAddress

IDLE = 30.0
"""Seconds that an unused connection is kept."""

_TIDY = 2.0
"""Seconds that the server has to forget an unfinished message before the line is given up."""


class Broken(Exception):
    """The connection is of no use any more."""

    def __init__(self, outcome: SendOutcome) -> None:
        super().__init__(outcome.cause)
        self.outcome = outcome


class Line:
    """One connection. Whatever goes wrong on it comes out as `Broken`."""

    def __init__(
        self,
        address: SmtpAddress,
        tls_context: ssl.SSLContext | None,
        timeout: float,
        hello_name: str,
    ) -> None:
        self.idle_since = 0.0
        self._timeout = timeout
        # No timeouts of the library's own: its `wait_for` can swallow a cancellation (3.11).
        self._smtp = aiosmtplib.SMTP(
            hostname=address.host,
            port=address.port,
            timeout=None,
            use_tls=address.tls == "implicit",
            start_tls=False,
            tls_context=tls_context,
            local_hostname=_in_hello(hello_name),
        )

    async def open(self, address: SmtpAddress) -> None:
        """Connects, agrees on TLS and logs in."""
        async with self._step(Stage.CONNECT):
            await self._smtp.connect()
        async with self._step(Stage.CONNECT):
            await self._greet()
        if address.tls == "starttls":
            async with self._step(Stage.TLS):
                await self._smtp.starttls()
                await self._smtp.ehlo()
        if address.username:
            async with self._step(Stage.LOGIN):
                await self._smtp.login(address.username, address.password or "")

    async def _greet(self) -> None:
        """RFC 5321, 3.2: who does not know EHLO is greeted by HELO, and offers nothing."""
        try:
            await self._smtp.ehlo()
        except aiosmtplib.SMTPHeloError as refusal:
            if not 500 <= refusal.code < 600:
                raise
            await self._smtp.helo()

    def offers(self, extension: str) -> bool:
        return self._smtp.supports_extension(extension)

    def is_usable(self) -> bool:
        age = asyncio.get_running_loop().time() - self.idle_since
        return self._smtp.is_connected and age < IDLE

    async def say(self, stage: Stage, *words: bytes, within: float | None = None) -> Reply:
        """Says a command and hears an answer that leaves the line usable."""
        async with self._step(stage, within):
            response = await self._smtp.execute_command(*words)
        return self._usable(stage, Reply(response.code, response.message))

    async def write(self, content: bytes) -> None:
        """Begins the content. When this breaks, not a byte of it has left."""
        async with self._step(Stage.DATA):
            self._protocol().write(content)

    async def hear(self, stage: Stage) -> Reply:
        async with self._step(stage):
            response = await self._protocol().read_response()
        return self._usable(stage, Reply(response.code, response.message))

    async def forget(self) -> bool:
        """Makes the server forget an unfinished message; tells whether the line can be kept."""
        try:
            reply = await self.say(Stage.CONNECT, b"RSET", within=min(self._timeout, _TIDY))
            return reply.code == 250
        except Broken:
            return False

    def leave(self) -> None:
        """Closes politely, without waiting for the answer."""
        if self._smtp.is_connected:
            self._protocol().write(b"QUIT\r\n")
        self._smtp.close()

    def abort(self) -> None:
        """Closes at once; what is still in the buffer does not leave."""
        if self._smtp.transport is not None:
            cast(asyncio.WriteTransport, self._smtp.transport).abort()
        self._smtp.close()

    def _protocol(self) -> SMTPProtocol:
        if self._smtp.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        return self._smtp.protocol

    def _usable(self, stage: Stage, reply: Reply) -> Reply:
        """Refusals leave the line usable; 421 and what is no answer to this do not."""
        code = reply.code
        expected = code == 354 if stage is Stage.DATA else code // 100 == 2
        if expected or (400 <= code < 600 and code != 421):
            return reply
        raise Broken(verdict(stage, reply))

    @asynccontextmanager
    async def _step(self, stage: Stage, within: float | None = None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within or self._timeout):
                yield
        except aiosmtplib.SMTPResponseException as refusal:
            raise Broken(verdict(stage, Reply(refusal.code, refusal.message))) from refusal
        except Exception as fault:
            # Only the library's calls stand inside a step: whatever they raise, the line is lost.
            raise Broken(trouble(stage, fault)) from fault


def _in_hello(name: str) -> str:
    """RFC 5321, 4.1.3: an address stands in brackets."""
    try:
        address = ip_address(name)
    except ValueError:
        return name
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
