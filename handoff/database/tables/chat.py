"""How an account's chat is reached, and which message there stands for which handoff."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    String,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from handoff.database.tables.base import Table


class IntegrationRow(Table):
    """One channel that the account has connected. Its secrets are as the key ring sealed them; the
    places that it reaches are endpoints."""

    __tablename__ = "integrations"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    channel: Mapped[str] = mapped_column(String(32))
    secrets: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # An account has each channel once.
        PrimaryKeyConstraint("account_id", "channel"),
    )


class PostRow(Table):
    """The message of a place that stands for a handoff, and is changed in place."""

    __tablename__ = "posts"

    handoff_id: Mapped[UUID]
    endpoint_id: Mapped[UUID]
    account_id: Mapped[UUID]
    # What the other side knows it by; since when it, or what is to stand beneath it, may be there
    # while that is not known.
    reference: Mapped[str | None]
    asked_at: Mapped[datetime | None]
    # The version of the handoff that it shows, and the last event that its thread tells of.
    version: Mapped[int] = mapped_column(server_default=text("0"))
    told: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    # Whoever writes there has it to themselves until then.
    held_until: Mapped[datetime]

    __table_args__ = (
        # One message per handoff and place.
        PrimaryKeyConstraint("handoff_id", "endpoint_id"),
        # Both are of the message's own account.
        ForeignKeyConstraint(["account_id", "handoff_id"], ["handoffs.account_id", "handoffs.id"]),
        ForeignKeyConstraint(
            ["account_id", "endpoint_id"], ["endpoints.account_id", "endpoints.id"]
        ),
    )
