"""Email as a channel: says a message as a letter, and hands it to the mail server."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage

from activities.email import letters
from activities.email.letters import Letter, LetterKind, compose, sender_address
from activities.email.mailer import Mailer
from activities.email.wording import bare, bundled, letter_about
from activities.sender import (
    MayLeave,
    Message,
    Notice,
    Occasion,
    Patience,
    SelfTest,
    SendOutcome,
)
from activities.turns import AccountTurns
from handoff.addresses import SmtpAddress
from handoff.contract.words import Content
from handoff.database.gate import Database
from handoff.settings import Settings

WAITS = 1.0
"""Seconds that a mail waits for one of its account's connections: most are free in a moment."""


@dataclass(frozen=True, slots=True)
class EmailSender:
    """One mail server for everybody's mail. A few of its connections are left to other accounts,
    however slow the domains are that one of them writes to."""

    mailer: Mailer
    settings: Settings
    turns: AccountTurns = field(init=False)

    def __post_init__(self) -> None:
        at_once = self.connections - max(1, self.connections // 4)
        turns = AccountTurns(of_account=max(1, at_once), waits=WAITS)
        object.__setattr__(self, "turns", turns)

    @classmethod
    def connect(cls, settings: Settings, _: Database) -> "EmailSender":
        """As the settings say. It connects when it first sends."""
        mailer = Mailer(
            SmtpAddress(settings.smtp_url.get_secret_value()),
            timeout=settings.smtp_timeout,
            connections=settings.smtp_connections,
            hello_name=settings.smtp_hello_name or letters.host(settings.public_url),
        )
        return cls(mailer, settings)

    @property
    def patience(self) -> Patience:
        """As the settings say."""
        settings = self.settings
        return Patience(
            settings.smtp_retry_initial,
            settings.smtp_retry_maximum,
            settings.smtp_retry_for,
            after_lost=settings.smtp_retry_lost,
        )

    @property
    def connections(self) -> int:
        """As many as the mail server is asked for."""
        return self.settings.smtp_connections

    def message_id(self, name: str) -> str:
        """The Message-ID, under the host that people know us by."""
        return letters.message_id(name, self.settings.public_url)

    async def send(self, message: Message, *, may_leave: MayLeave) -> SendOutcome | None:
        """One letter over one connection, written when it may leave."""

        async def content() -> EmailMessage | None:
            said = await may_leave()
            return None if said is None else compose(self._letter(message, said))

        async with self.turns.turn(message.account_id):
            return await self.mailer.send(
                content,
                to=message.to_address,
                envelope_from=sender_address(self.settings.smtp_from),
            )

    def _letter(self, message: Message, said: Occasion | SelfTest | Notice) -> Letter:
        if isinstance(said, SelfTest):
            return self._test_letter(message)
        if isinstance(said, Notice):
            return self._notice(message, said)
        letter = letter_about(said, self.settings, message_id=message.id)
        letter = bundled(letter, said.due, said.record, said.companions, self.settings)
        return bare(letter) if said.content is Content.LINK else letter

    def _test_letter(self, message: Message) -> Letter:
        return Letter(
            kind=LetterKind.TEST,
            sender=self.settings.smtp_from,
            to_name=message.to_name,
            to_address=message.to_address,
            message_id=message.id,
            date=datetime.now(UTC),
            link=self.settings.public_url,
            why="You get this because you asked for a test notification.",
        )

    def _notice(self, message: Message, notice: Notice) -> Letter:
        return replace(
            self._test_letter(message),
            kind=LetterKind.NOTICE,
            session_title=notice.title,
            says=notice.says,
            next_action=notice.next,
            link=f"{self.settings.public_url}{notice.page}",
            why="You get this because you lead the account.",
        )

    async def close(self) -> None:
        """Messages under way are finished before their connection."""
        await self.mailer.close()
