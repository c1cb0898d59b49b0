"""Handing one message for one person to the mail server, and saying honestly what became of it.

It composes nothing, records nothing and logs nothing.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.message import EmailMessage

from activities.email.smtp_line import IDLE, Broken, Line
from activities.email.smtp_outcome import Stage, accepted, trouble, verdict
from activities.email.smtp_wire import (
    is_international,
    path,
    wire_content,
    with_ascii_domains,
)
from activities.sender import SendOutcome
from handoff.addresses import SmtpAddress
from handoff.contract.words import DeliveryState
from handoff.mailboxes import in_ascii, is_mailbox
from handoff.rules.causes import Cause

Content = Callable[[], Awaitable[EmailMessage | None]]
"""What there is to send, as of the moment in which it is asked; None when nothing may leave."""

_WHOLE = 4
"""A whole attempt may take so many times the longest wait for one answer."""


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
        hello_name: str = "localhost",
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """`hello_name`: what we call ourselves. `tls_context` replaces the system's certificate
        authorities."""
        self.longest = timeout * _WHOLE
        """No `send` takes longer, whatever the server does."""
        self._address = address
        self._timeout = timeout.total_seconds()
        self._tls_context = tls_context
        self._hello_name = hello_name
        self._slots = asyncio.Semaphore(connections)
        self._idle: deque[Line] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(
        self,
        content: Content,
        *,
        to: str,
        envelope_from: str,
    ) -> SendOutcome | None:
        """Sends what `content` answers to one address.

        `content` is asked at the last moment at which nothing has left yet. When it answers None,
        nothing leaves and the answer is None, too; what it raises is raised here, and nothing
        leaves. Nothing that a server or network does raises. When this is cancelled after
        `content` answered, the message may have left.
        """
        if not is_mailbox(to):
            return SendOutcome(DeliveryState.FAILED, None, Cause.INVALID_ADDRESS)
        if envelope_from and not is_mailbox(envelope_from):
            return SendOutcome(DeliveryState.RETRYING, None, Cause.SENDER_REFUSED)
        talk = _Talk(content, to, envelope_from)
        try:
            async with asyncio.timeout(self.longest.total_seconds()) as clock, self._slots:
                return await self._attempt(talk)
        except Broken as broken:
            return broken.outcome
        except TimeoutError as fault:
            if not clock.expired():
                raise  # It is `content`'s own.
            return talk.outcome if talk.done else trouble(talk.stage, fault)

    async def probe(self) -> SendOutcome:
        """Whether the mail server can be reached, trusted and logged in to, and answers.

        On a connection of its own, so that neither a busy pool nor a kept connection hides how
        things stand. `sent` with cause `accepted` means yes.
        """
        try:
            async with asyncio.timeout(self.longest.total_seconds()):
                line = await self._open()
                try:
                    reply = await line.say(Stage.CONNECT, b"NOOP")
                finally:
                    line.leave()
        except Broken as broken:
            return broken.outcome
        except TimeoutError as fault:
            return trouble(Stage.CONNECT, fault)
        return accepted(reply.code) if reply.code == 250 else verdict(Stage.CONNECT, reply)

    async def close(self) -> None:
        """Takes leave of the server; messages under way are finished before their connection."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            self._idle.popleft().leave()
        await asyncio.sleep(0)  # Lets the transports go.

    async def _attempt(self, talk: "_Talk") -> SendOutcome | None:
        line = self._take_idle()
        if line is not None:
            try:
                return await self._talk_on(line, talk)
            except Broken as broken:
                # Servers close idle connections, and may say so only now: that is no failure.
                if talk.stage > Stage.MAIL or broken.outcome.cause is Cause.TIMEOUT:
                    raise
        talk.stage = Stage.CONNECT
        return await self._talk_on(await self._open(), talk)

    async def _talk_on(self, line: "Line", talk: "_Talk") -> SendOutcome | None:
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

    async def _open(self) -> "Line":
        address = self._address
        if self._tls_context is None and address.tls != "none":
            self._tls_context = await asyncio.to_thread(ssl.create_default_context)
        line = Line(address, self._tls_context, self._timeout, self._hello_name)
        try:
            await line.open(address)
        except BaseException:
            line.abort()
            raise
        return line

    def _take_idle(self) -> "Line | None":
        while self._idle:
            line = self._idle.pop()
            if line.is_usable():
                return line
            line.abort()
        return None

    def _keep(self, line: "Line") -> None:
        loop = asyncio.get_running_loop()
        line.idle_since = loop.time()
        self._idle.append(line)
        if self._sweep is None:
            self._sweep = loop.call_later(IDLE, self._close_idle)

    def _close_idle(self) -> None:
        self._sweep = None
        loop = asyncio.get_running_loop()
        while self._idle and self._idle[0].idle_since + IDLE <= loop.time():
            self._idle.popleft().leave()
        if self._idle:
            self._sweep = loop.call_at(self._idle[0].idle_since + IDLE, self._close_idle)


class _Talk:
    """One message's part of a conversation."""

    def __init__(
        self,
        content: Content,
        to: str,
        envelope_from: str,
    ) -> None:
        self.stage = Stage.CONNECT
        self.done = False
        """`outcome` stands, whatever becomes of the line."""
        self.outcome: SendOutcome | None = None
        self._content = content
        self._to = to
        self._from = envelope_from

    @property
    def is_finished(self) -> bool:
        """The server has nothing of this message to forget."""
        return self.stage < Stage.MAIL or self.stage is Stage.CONTENT

    async def run(self, line: "Line") -> None:
        """Tells the server everything, step by step; stops where somebody says no."""
        self.outcome = await self._run(line)
        self.done = True

    async def _run(self, line: "Line") -> SendOutcome | None:
        if not line.offers("smtputf8"):
            self._to, self._from = in_ascii(self._to), in_ascii(self._from)
        international = is_international(self._to, self._from)
        if international and not line.offers("smtputf8"):
            return self._not_international()
        options = [b"SMTPUTF8"] if international else []
        return (
            await self._say(line, Stage.MAIL, b"MAIL", b"FROM:" + path(self._from), *options)
            or await self._say(line, Stage.RECIPIENT, b"RCPT", b"TO:" + path(self._to))
            or await self._hand_over(line, international)
        )

    async def _say(self, line: "Line", stage: Stage, *words: bytes) -> SendOutcome | None:
        self.stage = stage
        reply = await line.say(stage, *words)
        return None if reply.code // 100 == 2 else verdict(stage, reply)

    async def _hand_over(self, line: "Line", international: bool) -> SendOutcome | None:
        message = await self._content()
        if message is None:
            return None
        if not line.offers("smtputf8"):
            message = with_ascii_domains(message)
        content = wire_content(message, international)
        self.stage = Stage.DATA
        reply = await line.say(Stage.DATA, b"DATA")
        if reply.code != 354:
            return verdict(Stage.DATA, reply)
        await line.write(content)
        self.stage = Stage.CONTENT
        reply = await line.hear(Stage.CONTENT)
        return accepted(reply.code) if reply.code // 100 == 2 else verdict(Stage.CONTENT, reply)

    def _not_international(self) -> SendOutcome:
        if self._to.isascii() and not self._from.isascii():
            return SendOutcome(DeliveryState.RETRYING, None, Cause.SENDER_REFUSED)
        return SendOutcome(DeliveryState.FAILED, None, Cause.INVALID_ADDRESS)
