"""A mail server for tests: real SMTP on an ephemeral loopback port, in this process.

It records what it took, lets tests wait for mail, and misbehaves when told to. Nothing here sleeps:
a misbehaviour lasts until it has happened `times` times or until it is ended.
"""

import asyncio
import ssl
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self
from urllib.parse import quote

import trustme

from handoff.addresses import SmtpAddress
from tests.support.postbox_session import Mail, Misbehaviour, Session

__all__ = ["Mail", "Misbehaviour", "Postbox"]

_LINE_LIMIT = 2**20


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
        self.greetings: list[str] = []
        """Each EHLO and HELO with its name."""
        self.login = login
        self.smtputf8 = smtputf8
        self.tls = _server_context(certificate)
        self._implicit_tls = implicit_tls
        self._port = 0
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], Session] = {}
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
        return "; ".join(f"{mail.to}: {mail.subject!r}, {mail.news!r}" for mail in mails) or "none"

    # How it misbehaves. Each fault is global, or for the messages to one address.

    def refuse_recipient(
        self,
        code: int,
        to: str | None = None,
        *,
        times: int | None = None,
        text: str = "refused here",
    ) -> Misbehaviour:
        """RCPT TO is answered with this code (550, 551, 552, 450, 451, 452, 421, …)."""
        return self._misbehave("rcpt", to, "answer", times, reply=f"{code} {text}")

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

    def refuse_ehlo(self, code: int) -> Misbehaviour:
        """EHLO is answered with this code; HELO is known."""
        return self._misbehave("ehlo", None, "answer", None, reply=f"{code} not here")

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
        session = Session(self, reader, writer)
        task = asyncio.create_task(session.run())
        self._sessions[task] = session
        self.connections_made += 1
        self.connections_at_once = max(self.connections_at_once, len(self._sessions))
        task.add_done_callback(self._sessions.pop)


def _seconds(within: timedelta | float) -> float:
    return within.total_seconds() if isinstance(within, timedelta) else within


def _server_context(certificate: trustme.LeafCert | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context
