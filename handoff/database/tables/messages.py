"""The append-only history, the ledger of the messages that tell of it, and where they go."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from handoff.contract.words import DeliveryState, EventType
from handoff.database.tables.base import Table


class EventRow(Table):
    """One line of the append-only history, numbered without gaps per account."""

    __tablename__ = "events"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    number: Mapped[int] = mapped_column(BigInteger)
    handoff_id: Mapped[UUID]
    type: Mapped[EventType]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    published_at: Mapped[datetime | None]

    __table_args__ = (
        # A number is used once: the counter on the account's row gives it out.
        PrimaryKeyConstraint("account_id", "number"),
        ForeignKeyConstraint(["account_id", "handoff_id"], ["handoffs.account_id", "handoffs.id"]),
        Index(None, "handoff_id", "number"),
        Index("ix_events_unpublished", "handoff_id", postgresql_where=text("published_at IS NULL")),
    )


class EndpointRow(Table):
    """A place of the account that a channel reaches: nobody's own. What `address` says is for that
    channel alone to read."""

    __tablename__ = "endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    channel: Mapped[str] = mapped_column(String(32))
    team_id: Mapped[UUID | None]
    name: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]

    __table_args__ = (
        # What points at an endpoint names its account too.
        UniqueConstraint("account_id", "id"),
        # A team is one of the endpoint's own account.
        ForeignKeyConstraint(["account_id", "team_id"], ["teams.account_id", "teams.id"]),
        # Whom a round calls: callbacks are many, and none of them.
        Index(None, "account_id", "channel"),
    )


class DeliveryRow(Table):
    """What happened to one message about one event, to one destination, by one channel."""

    __tablename__ = "deliveries"

    account_id: Mapped[UUID]
    handoff_id: Mapped[UUID]
    event_number: Mapped[int] = mapped_column(BigInteger)
    recipient_id: Mapped[UUID | None]
    endpoint_id: Mapped[UUID | None]
    destination_id: Mapped[UUID] = mapped_column(
        Computed("COALESCE(recipient_id, endpoint_id)", persisted=True)
    )
    channel: Mapped[str] = mapped_column(String(32))
    event_type: Mapped[EventType]
    round: Mapped[int]
    batch: Mapped[int]
    state: Mapped[DeliveryState]
    reason: Mapped[str | None]
    message_id: Mapped[str | None]
    # The event whose message to the same person speaks for this one too, in a burst.
    led_by: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # One message per event, destination and channel, whatever is tried again. In this order,
        # because what is asked of a message is mostly what its destination was told before.
        PrimaryKeyConstraint("handoff_id", "destination_id", "channel", "event_number"),
        # The destination is a person or an endpoint.
        CheckConstraint("num_nonnulls(recipient_id, endpoint_id) = 1", name="one_destination"),
        ForeignKeyConstraint(
            ["account_id", "event_number"], ["events.account_id", "events.number"]
        ),
        # Either is of the message's own account.
        ForeignKeyConstraint(["account_id", "recipient_id"], ["users.account_id", "users.id"]),
        ForeignKeyConstraint(
            ["account_id", "endpoint_id"], ["endpoints.account_id", "endpoints.id"]
        ),
        # What the engine still has to send, by batch.
        Index(
            "ix_deliveries_unsettled",
            "handoff_id",
            "event_number",
            "batch",
            postgresql_where=text("state IN ('queued', 'sending', 'retrying', 'ambiguous')"),
        ),
        # What a destination was told lately.
        Index(None, "destination_id", "changed_at"),
    )
