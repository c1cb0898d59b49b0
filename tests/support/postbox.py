"""A mail server for tests: real SMTP on an ephemeral loopback port, in this process.

It records what it took, lets tests wait for mail, and misbehaves when told to. Nothing here sleeps:
a misbehaviour lasts until it has happened `times` times or until it is ended.
"""

import asyncio
import base64
import email.policy
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from types import TracebackType
from typing import Self
from urllib.parse import quote

import trustme

from handoff.settings import SmtpAddress

_LINE_LIMIT = 2**20
_REPLIES = {
    "greeting": "220 postbox.test ESMTP",
    "mail": "250 sender ok",
    "rcpt": "250 recipient ok",
    "data": "354 go ahead",
    "content": "250 taken",
    "rset": "250 forgotten",
    "noop": "250 here",
    "auth": "235 welcome",
    "starttls": "220 go ahead",
    "quit": "221 bye",
}


@dataclass(frozen=True, slots=True, eq=False)
class Mail:
    """One message that the server took: its envelope and what stood in it."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    message: EmailMessage

    @property
    def to(self) -> str:
        """The envelope's first recipient."""
        return self.recipients[0]

    @property
    def subject(self) -> str:
        """The subject as a reader sees it."""
        return str(self.message["Subject"])

    @property
    def message_id(self) -> str:
        """The Message-ID with its angle brackets."""
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        """The plain body, decoded."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The HTML body, decoded."""
        return self._body("html")

    def _body(self, subtype: str) -> str:
        part = self.message.get_body((subtype,))
        assert isinstance(part, EmailMessage), f"the mail has no {subtype} body"
        return str(part.get_content())


@dataclass(slots=True, eq=False)
class Misbehaviour:
    """A fault that the server was told to show, and what became of it."""

    stage: str | None
    to: str | None
    do: str
    reply: str = ""
    left: int | None = None
    keep: bool = True
    shown: int = 0
    met: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the fault was shown for the first time."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Stops the fault; answers that it held back are given now."""
        self.ended.set()

    def fits(self, stage: str, recipients: list[str]) -> bool:
        """Whether the fault is to be shown here."""
        if self.ended.is_set() or self.left == 0 or self.stage not in (None, stage):
            return False
        return self.to is None or self.to in recipients

    def show(self) -> None:
        """Counts one showing."""
        self.shown += 1
        if self.left is not None:
            self.left -= 1
        self.met.set()


class Postbox:
    """The server; `async with Postbox() as postbox`."""

    def __init__(
        self,
        *,
        certificate: trustme.LeafCert | None = None,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
        smtputf8: bool = True,
    ) -> None:
        self.mails: list[Mail] = []
        """Every mail taken, oldest first; the ones in `taken_unanswered` too."""
        self.taken_unanswered: list[Mail] = []
        """Mails that were kept although the sender never heard so."""
        self.connections_made = 0
        self.connections_at_once = 0
        """The most that were ever open at the same time."""
        self.commands: list[str] = []
        """The verbs heard, over all connections, in order."""
        self.login = login
        self.smtputf8 = smtputf8
        self.tls = _server_context(certificate)
        self._implicit_tls = implicit_tls
        self._port = 0
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], _Session] = {}
        self._claimed: set[int] = set()
        self._misbehaviours: list[Misbehaviour] = []
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.come_back()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.go_down()

    # Where it is.

    @property
    def port(self) -> int:
        """The port, the same for the whole life."""
        return self._port

    @property
    def url(self) -> str:
        """What `HANDOFF_SMTP_URL` is to be."""
        user = ":".join(quote(part, safe="") for part in self.login) + "@" if self.login else ""
        tls = "implicit" if self._implicit_tls else "starttls" if self.tls else "none"
        return f"smtp://{user}127.0.0.1:{self._port}?tls={tls}"

    @property
    def address(self) -> SmtpAddress:
        """The same, taken apart."""
        return SmtpAddress(self.url)

    # What came.

    def mails_to(self, address: str) -> list[Mail]:
        """Every mail taken for this address, claimed or not."""
        return [mail for mail in self.mails if address in mail.recipients]

    @property
    def unclaimed(self) -> list[Mail]:
        """Mails that no `wait_for` and no `take` has taken."""
        return [mail for mail in self.mails if id(mail) not in self._claimed]

    def take(self, wanted: Callable[[Mail], bool] = lambda mail: True) -> Mail | None:
        """Claims the oldest unclaimed mail that fits, if it is there already."""
        for mail in self.unclaimed:
            if wanted(mail):
                self._claimed.add(id(mail))
                return mail
        return None

    async def wait_for(
        self,
        wanted: Callable[[Mail], bool] = lambda mail: True,
        *,
        within: timedelta | float = 10.0,
    ) -> Mail:
        """Claims the oldest unclaimed mail that fits, waiting for it if need be."""
        seconds = _seconds(within)
        try:
            async with asyncio.timeout(seconds), self._news:
                while (mail := self.take(wanted)) is None:
                    await self._news.wait()
                return mail
        except TimeoutError:
            raise AssertionError(
                f"no such mail within {seconds:g} s; unclaimed: {self._told(self.unclaimed)}"
            ) from None

    def expect_no_more(self) -> None:
        """Fails the test when mail came that it did not ask for."""
        assert not self.unclaimed, f"unexpected mail: {self._told(self.unclaimed)}"

    @staticmethod
    def _told(mails: list[Mail]) -> str:
        return "; ".join(f"{mail.to}: {mail.subject!r}" for mail in mails) or "none"

    # How it misbehaves. Each fault is global, or for the messages to one address.

    def refuse_recipient(
        self, code: int, to: str | None = None, *, times: int | None = None
    ) -> Misbehaviour:
        """RCPT TO is answered with this code (550, 551, 552, 450, 451, 452, 421, …)."""
        return self._misbehave("rcpt", to, "answer", times, reply=f"{code} refused here")

    def refuse_sender(self, code: int, *, times: int | None = None) -> Misbehaviour:
        """MAIL FROM is answered with this code."""
        return self._misbehave("mail", None, "answer", times, reply=f"{code} refused here")

    def answer_data(
        self, code: int, to: str | None = None, *, times: int | None = None
    ) -> Misbehaviour:
        """The DATA command, before any content, is answered with this code."""
        return self._misbehave("data", to, "answer", times, reply=f"{code} refused here")

    def answer_content(
        self, code: int, to: str | None = None, *, times: int | None = None
    ) -> Misbehaviour:
        """The content is heard out, then answered with this code and not kept."""
        return self._misbehave("content", to, "answer", times, reply=f"{code} refused here")

    def drop_after_content(
        self, to: str | None = None, *, times: int | None = None, keep: bool = True
    ) -> Misbehaviour:
        """The line breaks after the content, before the answer. `keep`: the mail was taken."""
        return self._misbehave("content", to, "drop", times, keep=keep)

    def never_answer_content(
        self, to: str | None = None, *, times: int | None = None, keep: bool = True
    ) -> Misbehaviour:
        """The content is heard out and answered only when the fault is ended."""
        return self._misbehave("content", to, "hold", times, keep=keep)

    def drop_at(
        self, stage: str, to: str | None = None, *, times: int | None = None
    ) -> Misbehaviour:
        """The line breaks instead of an answer to this command (`mail`, `rcpt`, `data`, …)."""
        return self._misbehave(stage, to, "drop", times)

    def tarpit(
        self, to: str | None = None, *, stage: str | None = None, times: int | None = None
    ) -> Misbehaviour:
        """Every answer (or those of one stage) is held back until the fault is ended."""
        return self._misbehave(stage, to, "hold", times)

    def garble(
        self, stage: str, to: str | None = None, *, times: int | None = None
    ) -> Misbehaviour:
        """An answer that is no SMTP."""
        return self._misbehave(stage, to, "answer", times, reply="?!# what")

    def greet_with(self, code: int, *, times: int | None = None) -> Misbehaviour:
        """The greeting is this code (554, 421), and the line is closed."""
        return self._misbehave("greeting", None, "answer", times, reply=f"{code} not now")

    def refuse_login(self, code: int = 535, *, times: int | None = None) -> Misbehaviour:
        """Right or wrong, credentials are refused."""
        return self._misbehave("auth", None, "answer", times, reply=f"{code} refused here")

    def behave(self) -> None:
        """Ends every fault."""
        for misbehaviour in self._misbehaviours:
            misbehaviour.end()
        self._misbehaviours.clear()

    async def close_idle(self) -> int:
        """Says 421 on every connection that is between messages and closes it; tells how many."""
        idle = [(task, one) for task, one in self._sessions.items() if one.idle]
        for task, session in idle:
            session.write("421 idle for too long")
            task.cancel()
        await asyncio.gather(*(task for task, _ in idle), return_exceptions=True)
        return len(idle)

    async def all_gone(self, *, within: timedelta | float = 10.0) -> None:
        """Waits until no connection is open."""
        async with asyncio.timeout(_seconds(within)):
            while self._sessions:
                await asyncio.wait(list(self._sessions))

    async def go_down(self) -> None:
        """Stops listening and breaks every connection."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        tasks = list(self._sessions)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    async def come_back(self) -> None:
        """Listens again, on the same port."""
        self._server = await asyncio.start_server(
            self._connected,
            "127.0.0.1",
            self._port,
            limit=_LINE_LIMIT,
            ssl=self.tls if self._implicit_tls else None,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    # For the sessions.

    def misbehaviour(self, stage: str, recipients: list[str]) -> Misbehaviour | None:
        """The fault to show at this stage, counted as shown."""
        for misbehaviour in self._misbehaviours:
            if misbehaviour.fits(stage, recipients):
                misbehaviour.show()
                return misbehaviour
        return None

    async def keep(self, mail: Mail, *, answered: bool) -> None:
        """Records a mail and wakes those who wait."""
        self.mails.append(mail)
        if not answered:
            self.taken_unanswered.append(mail)
        async with self._news:
            self._news.notify_all()

    def _misbehave(
        self,
        stage: str | None,
        to: str | None,
        do: str,
        times: int | None,
        *,
        reply: str = "",
        keep: bool = True,
    ) -> Misbehaviour:
        fault = Misbehaviour(stage=stage, to=to, do=do, reply=reply, left=times, keep=keep)
        self._misbehaviours.append(fault)
        return fault

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer)
        task = asyncio.create_task(session.run())
        self._sessions[task] = session
        self.connections_made += 1
        self.connections_at_once = max(self.connections_at_once, len(self._sessions))
        task.add_done_callback(self._sessions.pop)


class _HangUp(Exception):
    """The server ends the conversation."""


class _Session:
    """One connection's conversation."""

    def __init__(
        self, box: Postbox, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.idle = False
        self._box = box
        self._reader = reader
        self._writer = writer
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._logged_in = False
        self._shaking_hands = False

    def write(self, reply: str) -> None:
        self._writer.write(reply.encode() + b"\r\n")

    async def run(self) -> None:
        try:
            await self._answer("greeting")
            while True:
                await self._command()
        except (_HangUp, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            if self._shaking_hands:
                # A stream whose handshake failed never learns that it was closed.
                self._writer.transport.abort()
            else:
                self._writer.close()
                with suppress(OSError):
                    await self._writer.wait_closed()

    async def _command(self) -> None:
        self.idle = self._sender is None
        line = (await self._reader.readuntil(b"\r\n")).decode("utf-8", "replace").rstrip("\r\n")
        self.idle = False
        verb, _, rest = line.partition(" ")
        self._box.commands.append(verb.upper())
        handler = getattr(self, f"_on_{verb.lower()}", None)
        if handler is None:
            self.write("500 what?")
        elif self._box.login and not self._logged_in and verb.upper() in ("MAIL", "RCPT", "DATA"):
            self.write("530 log in first")
        else:
            await handler(rest)

    async def _on_ehlo(self, name: str) -> None:
        self._forget()
        offers = ["postbox.test", "SIZE 10485760"]
        over_tls = self._writer.get_extra_info("sslcontext") is not None
        if self._box.tls and not over_tls:
            offers.append("STARTTLS")
        if self._box.login:
            offers.append("AUTH PLAIN LOGIN")
        if self._box.smtputf8:
            offers += ["8BITMIME", "SMTPUTF8"]
        marks = ["-"] * (len(offers) - 1) + [" "]
        await self._answer(
            "ehlo", "\r\n".join(f"250{mark}{it}" for mark, it in zip(marks, offers, strict=True))
        )

    async def _on_starttls(self, rest: str) -> None:
        if await self._answer("starttls") and self._box.tls:
            self._shaking_hands = True
            await self._writer.start_tls(self._box.tls)
            self._shaking_hands = False
            self._forget()

    async def _on_auth(self, rest: str) -> None:
        method, _, initial = rest.partition(" ")
        if method.upper() == "PLAIN":
            _, user, password = base64.b64decode(initial).decode().split("\0")
        else:
            user = base64.b64decode(initial).decode()
            self.write("334 UGFzc3dvcmQ6")
            password = base64.b64decode(await self._reader.readuntil(b"\r\n")).decode()
        right = (user, password) == self._box.login
        self._logged_in = await self._answer("auth", None if right else "535 wrong") and right

    async def _on_mail(self, rest: str) -> None:
        if await self._answer("mail"):
            self._sender = _address_in(rest)

    async def _on_rcpt(self, rest: str) -> None:
        address = _address_in(rest)
        self._recipients.append(address)
        if not await self._answer("rcpt"):
            self._recipients.remove(address)

    async def _on_data(self, rest: str) -> None:
        if self._sender is None or not self._recipients:
            self.write("503 MAIL and RCPT first")
        elif await self._answer("data"):
            mail = self._mail(await self._content())
            await self._answer_content(mail)
            self._forget()

    async def _on_rset(self, rest: str) -> None:
        self._forget()
        await self._answer("rset")

    async def _on_noop(self, rest: str) -> None:
        await self._answer("noop")

    async def _on_quit(self, rest: str) -> None:
        await self._answer("quit")
        raise _HangUp

    async def _content(self) -> bytes:
        lines = []
        while (line := await self._reader.readuntil(b"\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _mail(self, raw: bytes) -> Mail:
        message = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(raw)
        return Mail(self._sender or "", tuple(self._recipients), raw, message)

    async def _answer_content(self, mail: Mail) -> None:
        fault = self._box.misbehaviour("content", self._recipients)
        if fault is None:
            await self._box.keep(mail, answered=True)
            self.write(_REPLIES["content"])
        elif fault.do == "answer":
            self.write(fault.reply)
        else:
            if fault.keep:
                await self._box.keep(mail, answered=False)
            if fault.do == "drop":
                raise _HangUp
            await fault.ended.wait()
            self.write(_REPLIES["content"])

    async def _answer(self, stage: str, reply: str | None = None) -> bool:
        """Answers, with the stage's fault if there is one; tells whether it went well."""
        fault = self._box.misbehaviour(stage, self._recipients)
        if fault is not None and fault.do == "drop":
            raise _HangUp
        if fault is not None and fault.do == "hold":
            await fault.ended.wait()
        if fault is not None and fault.do == "answer":
            self.write(fault.reply)
            if stage == "greeting" or fault.reply.startswith("421"):
                raise _HangUp
            return False
        self.write(reply or _REPLIES[stage])
        await self._writer.drain()
        return True

    def _forget(self) -> None:
        self._sender = None
        self._recipients = []


def _seconds(within: timedelta | float) -> float:
    return within.total_seconds() if isinstance(within, timedelta) else within


def _address_in(rest: str) -> str:
    return rest[rest.index("<") + 1 : rest.rindex(">")]


def _server_context(certificate: trustme.LeafCert | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context
