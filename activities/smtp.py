"""Handing one message for one person to the mail server, and saying honestly what became of it.

The only file that knows aiosmtplib. It composes nothing, records nothing and logs nothing.
"""

import asyncio
import re
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from activities.smtp_outcome import Outcome, Stage, accepted, trouble, verdict
from activities.smtp_wire import is_address, is_international, path, wire_content
from handoff.contract import DeliveryState
from handoff.rules.mail import Cause
from handoff.settings import SmtpAddress

_IDLE = 30.0
"""Seconds that an unused connection is kept."""

_WHOLE = 4
"""A whole attempt may take so many times the longest wait for one answer."""

_TIDY = 2.0
"""Seconds that the server has to forget an unfinished message before the line is given up."""


class Mailer:
    """A few connections to one mail server, shared by everybody who has a message to send.

    At most `connections` are open; who asks first is served first. A connection is used again for
    the next message and closed after half a minute without one. `timeout` bounds each answer of
    the server, and four times as much the whole attempt, the wait for a free connection included.
    """

    def __init__(
        self,
        address: SmtpAddress,
        *,
        timeout: timedelta,
        connections: int,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """`tls_context` replaces the system's certificate authorities."""
        self.longest = timeout * _WHOLE
        """No `send` takes longer, whatever the server does."""
        self._address = address
        self._timeout = timeout.total_seconds()
        self._tls_context = tls_context
        self._slots = asyncio.Semaphore(connections)
        self._idle: deque[_Line] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(
        self,
        message: EmailMessage,
        *,
        to: str,
        envelope_from: str,
        before_data: Callable[[], Awaitable[bool]],
    ) -> Outcome | None:
        """Sends `message` to one address.

        `before_data` is asked at the last moment at which nothing has left yet. When it says no,
        nothing leaves and the answer is None; what it raises is raised here, and nothing leaves.
        Nothing that a server or network does raises. When this is cancelled after `before_data`
        said yes, the message may have left.
        """
        if not is_address(to):
            return Outcome(DeliveryState.FAILED, None, Cause.INVALID_ADDRESS)
        if envelope_from and not is_address(envelope_from):
            return Outcome(DeliveryState.RETRYING, None, Cause.SENDER_REFUSED)
        talk = _Talk(message, to, envelope_from, before_data)
        try:
            async with asyncio.timeout(self.longest.total_seconds()) as clock, self._slots:
                return await self._attempt(talk)
        except _Broken as broken:
            return broken.outcome
        except TimeoutError as fault:
            if not clock.expired():
                raise  # It is `before_data`'s own.
            return talk.outcome if talk.done else trouble(talk.stage, fault)

    async def probe(self) -> Outcome:
        """Whether the mail server can be reached, trusted and logged in to, and answers.

        On a connection of its own, so that neither a busy pool nor a kept connection hides how
        things stand. `sent` with cause `accepted` means yes.
        """
        try:
            async with asyncio.timeout(self.longest.total_seconds()):
                line = await self._open()
                try:
                    code = await line.say(Stage.CONNECT, b"NOOP")
                finally:
                    line.leave()
        except _Broken as broken:
            return broken.outcome
        except TimeoutError as fault:
            return trouble(Stage.CONNECT, fault)
        return accepted(code) if code == 250 else verdict(Stage.CONNECT, code)

    async def close(self) -> None:
        """Takes leave of the server; messages under way are finished before their connection."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            self._idle.popleft().leave()
        await asyncio.sleep(0)  # Lets the transports go.

    async def _attempt(self, talk: "_Talk") -> Outcome | None:
        line = self._take_idle()
        if line is not None:
            try:
                return await self._talk_on(line, talk)
            except _Broken as broken:
                # Servers close idle connections, and may say so only now: that is no failure.
                if talk.stage > Stage.MAIL or broken.outcome.cause is Cause.TIMEOUT:
                    raise
        talk.stage = Stage.CONNECT
        return await self._talk_on(await self._open(), talk)

    async def _talk_on(self, line: "_Line", talk: "_Talk") -> Outcome | None:
        clean = False
        try:
            await talk.run(line)
            clean = talk.is_finished or await line.forget()
            return talk.outcome
        finally:
            # In an unknown state (broken, cancelled, out of time) it is never used again.
            if clean and not self._closed:
                self._keep(line)
            elif clean:
                line.leave()
            else:
                line.abort()

    async def _open(self) -> "_Line":
        address = self._address
        if self._tls_context is None and address.tls != "none":
            self._tls_context = await asyncio.to_thread(ssl.create_default_context)
        line = _Line(address, self._tls_context, self._timeout)
        try:
            await line.open(address)
        except BaseException:
            line.abort()
            raise
        return line

    def _take_idle(self) -> "_Line | None":
        while self._idle:
            line = self._idle.pop()
            if line.is_usable():
                return line
            line.abort()
        return None

    def _keep(self, line: "_Line") -> None:
        loop = asyncio.get_running_loop()
        line.idle_since = loop.time()
        self._idle.append(line)
        if self._sweep is None:
            self._sweep = loop.call_later(_IDLE, self._close_idle)

    def _close_idle(self) -> None:
        self._sweep = None
        loop = asyncio.get_running_loop()
        while self._idle and self._idle[0].idle_since + _IDLE <= loop.time():
            self._idle.popleft().leave()
        if self._idle:
            self._sweep = loop.call_at(self._idle[0].idle_since + _IDLE, self._close_idle)


class _Broken(Exception):
    """The connection is of no use any more."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.cause)
        self.outcome = outcome


class _Talk:
    """One message's part of a conversation."""

    def __init__(
        self,
        message: EmailMessage,
        to: str,
        envelope_from: str,
        before_data: Callable[[], Awaitable[bool]],
    ) -> None:
        self.stage = Stage.CONNECT
        self.done = False
        """`outcome` stands, whatever becomes of the line."""
        self.outcome: Outcome | None = None
        self._message = message
        self._to = to
        self._from = envelope_from
        self._before_data = before_data

    @property
    def is_finished(self) -> bool:
        """The server has nothing of this message to forget."""
        return self.stage < Stage.MAIL or self.stage is Stage.CONTENT

    async def run(self, line: "_Line") -> None:
        """Tells the server everything, step by step; stops where somebody says no."""
        self.outcome = await self._run(line)
        self.done = True

    async def _run(self, line: "_Line") -> Outcome | None:
        international = is_international(self._message, self._to, self._from)
        if international and not line.offers("smtputf8"):
            return self._not_international()
        content = wire_content(self._message, international)
        options = [b"SMTPUTF8"] if international else []
        return (
            await self._say(line, Stage.MAIL, b"MAIL", b"FROM:" + path(self._from), *options)
            or await self._say(line, Stage.RECIPIENT, b"RCPT", b"TO:" + path(self._to))
            or await self._hand_over(line, content)
        )

    async def _say(self, line: "_Line", stage: Stage, *words: bytes) -> Outcome | None:
        self.stage = stage
        code = await line.say(stage, *words)
        return None if code // 100 == 2 else verdict(stage, code)

    async def _hand_over(self, line: "_Line", content: bytes) -> Outcome | None:
        if not await self._before_data():
            return None
        self.stage = Stage.DATA
        code = await line.say(Stage.DATA, b"DATA")
        if code != 354:
            return verdict(Stage.DATA, code)
        await line.write(content)
        self.stage = Stage.CONTENT
        code = await line.hear(Stage.CONTENT)
        return accepted(code) if code // 100 == 2 else verdict(Stage.CONTENT, code)

    def _not_international(self) -> Outcome:
        if self._to.isascii() and not self._from.isascii():
            return Outcome(DeliveryState.RETRYING, None, Cause.SENDER_REFUSED)
        return Outcome(DeliveryState.FAILED, None, Cause.INVALID_ADDRESS)


class _Line:
    """One connection. Whatever goes wrong on it comes out as `_Broken`."""

    def __init__(
        self, address: SmtpAddress, tls_context: ssl.SSLContext | None, timeout: float
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
            local_hostname=_own_name(),
        )

    async def open(self, address: SmtpAddress) -> None:
        """Connects, agrees on TLS and logs in."""
        async with self._step(Stage.CONNECT):
            await self._smtp.connect()
        async with self._step(Stage.CONNECT):
            await self._smtp.ehlo()
        if address.tls == "starttls":
            async with self._step(Stage.TLS):
                await self._smtp.starttls()
                await self._smtp.ehlo()
        if address.username:
            async with self._step(Stage.LOGIN):
                await self._smtp.login(address.username, address.password or "")

    def offers(self, extension: str) -> bool:
        return self._smtp.supports_extension(extension)

    def is_usable(self) -> bool:
        age = asyncio.get_running_loop().time() - self.idle_since
        return self._smtp.is_connected and age < _IDLE

    async def say(self, stage: Stage, *words: bytes, within: float | None = None) -> int:
        """Says a command and hears a code that leaves the line usable."""
        async with self._step(stage, within):
            response = await self._smtp.execute_command(*words)
        return self._usable(stage, response.code)

    async def write(self, content: bytes) -> None:
        """Begins the content. When this breaks, not a byte of it has left."""
        async with self._step(Stage.DATA):
            self._protocol().write(content)

    async def hear(self, stage: Stage) -> int:
        async with self._step(stage):
            response = await self._protocol().read_response()
        return self._usable(stage, response.code)

    async def forget(self) -> bool:
        """Makes the server forget an unfinished message; tells whether the line can be kept."""
        try:
            return await self.say(Stage.CONNECT, b"RSET", within=min(self._timeout, _TIDY)) == 250
        except _Broken:
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

    def _usable(self, stage: Stage, code: int) -> int:
        """Refusals leave the line usable; 421 and what is no answer to this do not."""
        expected = code == 354 if stage is Stage.DATA else code // 100 == 2
        if expected or (400 <= code < 600 and code != 421):
            return code
        raise _Broken(verdict(stage, code))

    @asynccontextmanager
    async def _step(self, stage: Stage, within: float | None = None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within or self._timeout):
                yield
        except aiosmtplib.SMTPResponseException as refusal:
            raise _Broken(verdict(stage, refusal.code)) from refusal
        except Exception as fault:
            # Only the library's calls stand inside a step: whatever they raise, the line is lost.
            raise _Broken(trouble(stage, fault)) from fault


def _own_name() -> str:
    """What we call ourselves in EHLO: no look-up, which could take long or never end."""
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "[127.0.0.1]"
