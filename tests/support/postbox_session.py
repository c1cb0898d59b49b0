"""What the test mail server records, the faults it can show, and one connection's conversation.

Tests use `tests.support.postbox`; nothing here listens or is kept.
"""

import asyncio
import base64
import email.policy
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Protocol

_REPLIES = {
    "greeting": "220 postbox.test ESMTP",
    "helo": "250 postbox.test",
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

    @property
    def news(self) -> str:
        """What is new in it: the first line, which mail programs show beside the subject."""
        return self.text.partition("\n")[0].strip()

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


class Box(Protocol):
    """What a conversation needs of its server."""

    commands: list[str]
    greetings: list[str]
    login: tuple[str, str] | None
    smtputf8: bool
    tls: ssl.SSLContext | None

    def misbehaviour(self, stage: str, recipients: list[str]) -> Misbehaviour | None:
        """The fault to show at this stage, counted as shown."""

    async def keep(self, mail: Mail, *, answered: bool) -> None:
        """Records a mail."""


class _HangUp(Exception):
    """The server ends the conversation."""


class Session:
    """One connection's conversation."""

    def __init__(
        self, box: Box, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
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

    async def _on_helo(self, name: str) -> None:
        self._box.greetings.append(f"HELO {name}")
        self._forget()
        await self._answer("helo")

    async def _on_ehlo(self, name: str) -> None:
        self._box.greetings.append(f"EHLO {name}")
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


def _address_in(rest: str) -> str:
    return rest[rest.index("<") + 1 : rest.rindex(">")]
