"""The tables, as SQLAlchemy models. Each constraint has a sentence that says what it keeps true.

Nothing here asks a question: queries live in one module per noun.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from handoff.contract import (
    Channel,
    DeliveryState,
    EventType,
    HandoffStatus,
    Intent,
    Outcome,
    Priority,
    Role,
    SessionStatus,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def words(kind: type[StrEnum]) -> Enum:
    """A StrEnum as text with a check constraint: readable in psql, easy to extend."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


WORDS: tuple[type[StrEnum], ...] = (
    Role,
    SessionStatus,
    Intent,
    Priority,
    HandoffStatus,
    Outcome,
    Channel,
    DeliveryState,
    EventType,
)


class Table(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(none_as_null=True),
        **{kind: words(kind) for kind in WORDS},
    }


class AccountRow(Table):
    """A tenant. Its row is the counter of its events, taken in the writing transaction."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    policy: Mapped[dict[str, Any] | None]
    last_event_number: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TeamRow(Table):
    """A group inside an account."""

    __tablename__ = "teams"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    external_id: Mapped[str | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        # What points at a team names its account too, so no row can reach into another tenant.
        UniqueConstraint("account_id", "id"),
    )


class UserRow(Table):
    """A person with one role."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    team_id: Mapped[UUID | None]
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[Role]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    deleted_at: Mapped[datetime | None]
    notifications: Mapped[dict[str, Any] | None]
    external_id: Mapped[str | None]

    __table_args__ = (
        # What points at a user names their account too, so no row can reach into another tenant.
        UniqueConstraint("account_id", "id"),
        # A team is one of the user's own account.
        ForeignKeyConstraint(["account_id", "team_id"], ["teams.account_id", "teams.id"]),
        # One living user per address and account.
        Index(
            "uq_users_account_id_email",
            "account_id",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )


class SessionRow(Table):
    """An AI session, and the user whom it is with now."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    team_id: Mapped[UUID | None]
    title: Mapped[str]
    context: Mapped[dict[str, Any] | None]
    holder_id: Mapped[UUID]
    status: Mapped[SessionStatus] = mapped_column(server_default=SessionStatus.ACTIVE.value)
    # Answered 202: the engine has it, and it will be this session's next handoff.
    accepted_handoff_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # What points at a session names its account too.
        UniqueConstraint("account_id", "id"),
        # Team and holder are of the session's own account.
        ForeignKeyConstraint(["account_id", "team_id"], ["teams.account_id", "teams.id"]),
        ForeignKeyConstraint(["account_id", "holder_id"], ["users.account_id", "users.id"]),
        Index(None, "account_id", "created_at"),
    )


class HandoffRow(Table):
    """One park or escalation of a session: the record that decides."""

    __tablename__ = "handoffs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    session_id: Mapped[UUID]
    intent: Mapped[Intent]
    priority: Mapped[Priority]
    urgency: Mapped[int] = mapped_column(
        SmallInteger,
        Computed(
            "CASE priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'normal' THEN 1 ELSE 0 END",
            persisted=True,
        ),
    )
    status: Mapped[HandoffStatus]
    engineer_notes: Mapped[str | None]
    context: Mapped[dict[str, Any] | None]
    escalator_id: Mapped[UUID]
    created_at: Mapped[datetime]

    policy: Mapped[dict[str, Any]]
    level: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    level_round: Mapped[int] = mapped_column(server_default="0")
    round: Mapped[int] = mapped_column(server_default="0")
    rounds_total: Mapped[int]
    deadline_at: Mapped[datetime | None]
    exhausted_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]

    claimed_by_id: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None]
    first_claimed_at: Mapped[datetime | None]
    first_claimed_by_id: Mapped[UUID | None]
    first_claimed_round: Mapped[int | None]
    transfer_to_id: Mapped[UUID | None]
    transfer_until: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_reminded_at: Mapped[datetime | None]

    outcome: Mapped[Outcome | None]
    resolution_note: Mapped[str | None]
    resolved_at: Mapped[datetime | None]

    last_actor_id: Mapped[UUID | None]
    # What that person did: the type of its event.
    last_act: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")
    seen_version: Mapped[int] = mapped_column(server_default="0")
    audited_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # What points at a handoff names its account too.
        UniqueConstraint("account_id", "id"),
        # Session and people are of the handoff's own account.
        ForeignKeyConstraint(["account_id", "session_id"], ["sessions.account_id", "sessions.id"]),
        ForeignKeyConstraint(["account_id", "escalator_id"], ["users.account_id", "users.id"]),
        ForeignKeyConstraint(["account_id", "claimed_by_id"], ["users.account_id", "users.id"]),
        ForeignKeyConstraint(["account_id", "transfer_to_id"], ["users.account_id", "users.id"]),
        # A claimed handoff has exactly one claimer; one that waits has none.
        CheckConstraint(
            "(status = 'claimed') <= (claimed_by_id IS NOT NULL AND claimed_at IS NOT NULL)",
            name="claimed_has_claimer",
        ),
        CheckConstraint(
            "(status IN ('parked', 'open')) <= (claimed_by_id IS NULL)",
            name="waiting_has_no_claimer",
        ),
        # Rounds only count up to the total.
        CheckConstraint("round BETWEEN 0 AND rounds_total", name="round_within_total"),
        # A session has at most one handoff that is parked, open or claimed.
        Index(
            "uq_handoffs_session_id_living",
            "session_id",
            unique=True,
            postgresql_where=text("status IN ('parked', 'open', 'claimed')"),
        ),
        # The queue's page, in its order.
        Index(
            "ix_handoffs_queue",
            "account_id",
            text("urgency DESC"),
            "created_at",
            "id",
            postgresql_where=text("status IN ('parked', 'open', 'claimed')"),
        ),
        # A session's history, newest first; and the analytics' range.
        Index(None, "session_id", "created_at"),
        Index(None, "account_id", "created_at"),
        # What the auditor looks at: what still lives, the longest unlooked-at first.
        Index(
            "ix_handoffs_audit",
            "audited_at",
            postgresql_where=text("status IN ('parked', 'open', 'claimed')"),
        ),
        # Rounds that are late.
        Index("ix_handoffs_deadline", "deadline_at", postgresql_where=text("status = 'open'")),
        # What the engine has not seen yet.
        Index("ix_handoffs_unseen", "changed_at", postgresql_where=text("version > seen_version")),
    )


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


class DeliveryRow(Table):
    """What happened to one message about one event, to one person, by one channel."""

    __tablename__ = "deliveries"

    account_id: Mapped[UUID]
    handoff_id: Mapped[UUID]
    event_number: Mapped[int] = mapped_column(BigInteger)
    recipient_id: Mapped[UUID]
    channel: Mapped[Channel]
    event_type: Mapped[EventType]
    round: Mapped[int]
    batch: Mapped[int]
    state: Mapped[DeliveryState]
    reason: Mapped[str | None]
    message_id: Mapped[str | None]
    # The event whose mail to the same person speaks for this one too, in a burst.
    led_by: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # One message per event, person and channel, whatever is tried again.
        PrimaryKeyConstraint("handoff_id", "event_number", "recipient_id", "channel"),
        ForeignKeyConstraint(
            ["account_id", "event_number"], ["events.account_id", "events.number"]
        ),
        ForeignKeyConstraint(["account_id", "recipient_id"], ["users.account_id", "users.id"]),
        # What the engine still has to send, by batch.
        Index(
            "ix_deliveries_unsettled",
            "handoff_id",
            "event_number",
            "batch",
            postgresql_where=text("state IN ('queued', 'sending', 'retrying', 'ambiguous')"),
        ),
        # What a person was told lately.
        Index(None, "recipient_id", "changed_at"),
    )


class ApiTokenRow(Table):
    """A program's token: who it acts as, what it may do, and who made it. Never its secret."""

    __tablename__ = "api_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    user_id: Mapped[UUID]
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    prefix: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by_id: Mapped[UUID]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by_id: Mapped[UUID | None]

    __table_args__ = (
        # Whom it acts as, who made it and who revoked it are of the token's own account.
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"]),
        ForeignKeyConstraint(["account_id", "created_by_id"], ["users.account_id", "users.id"]),
        ForeignKeyConstraint(["account_id", "revoked_by_id"], ["users.account_id", "users.id"]),
        Index(None, "account_id", "id"),
    )


class IdempotencyRow(Table):
    """One `Idempotency-Key` of one user: the request that it named, and its answer."""

    __tablename__ = "idempotency_keys"

    account_id: Mapped[UUID]
    user_id: Mapped[UUID]
    key: Mapped[str]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    resource_id: Mapped[UUID]
    locked_until: Mapped[datetime | None]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # A key is scoped to its user.
        PrimaryKeyConstraint("user_id", "key"),
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"]),
        Index(None, "created_at"),
    )


class AuditRow(Table):
    """What the auditor found when it looked last: what does not go on by itself."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    restarted: Mapped[int]
    findings: Mapped[list[dict[str, Any]]]

    __table_args__ = (
        # There is only ever the latest one.
        CheckConstraint("id = 1", name="only_one"),
    )
