"""The account's webhooks: each with its place among the account's events, and its last attempts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from handoff.database.tables.base import Table


class WebhookRow(Table):
    """An endpoint that follows the account's events. Its secrets are sealed with the key ring."""

    __tablename__ = "webhooks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    url: Mapped[str]
    # Short types; without any, all of them.
    events: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    description: Mapped[str | None]
    secret: Mapped[str]
    old_secret: Mapped[str | None]
    old_secret_until: Mapped[datetime | None]
    # The last event that needs nothing any more.
    place: Mapped[int] = mapped_column(BigInteger)
    # The attempt at following it that counts: a worker that was taken for dead changes nothing.
    holder: Mapped[UUID | None]
    tried: Mapped[int] = mapped_column(server_default=text("0"))
    failing_since: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    last_taken_at: Mapped[datetime | None]
    attempt_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]
    disabled_why: Mapped[str | None]
    # When its admins had been mailed about that.
    told_at: Mapped[datetime | None]

    __table_args__ = (
        # What points at a webhook names its account too.
        UniqueConstraint("account_id", "id"),
    )


class WebhookAttemptRow(Table):
    """One POST and its answer. The newest of each endpoint are kept."""

    __tablename__ = "webhook_attempts"

    webhook_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[UUID]
    # 0 of a test, which is no event of the account.
    event_number: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    took_ms: Mapped[int]
    code: Mapped[int | None]
    cause: Mapped[str]

    __table_args__ = (
        # Counted by the endpoint's own row.
        PrimaryKeyConstraint("webhook_id", "sequence"),
        # They go with their endpoint, which is of their own account.
        ForeignKeyConstraint(
            ["account_id", "webhook_id"],
            ["webhooks.account_id", "webhooks.id"],
            ondelete="CASCADE",
        ),
    )
