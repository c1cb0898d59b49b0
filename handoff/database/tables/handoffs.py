"""Sessions, and the handoffs that decide."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from handoff.contract.words import (
    HandoffStatus,
    Intent,
    Outcome,
    Priority,
    SessionStatus,
    Verdict,
)
from handoff.database.tables.base import Table


class SessionRow(Table):
    """An AI session, and the user whom it is with now."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    team_id: Mapped[UUID | None]
    title: Mapped[str]
    context: Mapped[dict[str, Any] | None]
    holder_id: Mapped[UUID]
    # The session that this one carries on.
    follows_id: Mapped[UUID | None]
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
        ForeignKeyConstraint(["account_id", "follows_id"], ["sessions.account_id", "sessions.id"]),
        Index(None, "account_id", "created_at"),
        Index(None, "follows_id", postgresql_where=text("follows_id IS NOT NULL")),
    )


_URGENCIES = " ".join(
    f"WHEN '{priority}' THEN {priority.urgency}"
    for priority in reversed(Priority)
    if priority.urgency
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
        Computed(f"CASE priority {_URGENCIES} ELSE 0 END", persisted=True),
    )
    status: Mapped[HandoffStatus]
    engineer_notes: Mapped[str | None]
    context: Mapped[dict[str, Any] | None]
    escalator_id: Mapped[UUID]
    created_at: Mapped[datetime]
    # Of one that was parked before; null of one that was an escalation from the start.
    escalated_at: Mapped[datetime | None]

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
    # What the claim has changed, as it was: for whoever takes it back at once.
    before_claim: Mapped[dict[str, Any] | None]
    first_claimed_at: Mapped[datetime | None]
    first_claimed_by_id: Mapped[UUID | None]
    first_claimed_round: Mapped[int | None]
    first_claimed_level: Mapped[int | None] = mapped_column(SmallInteger)
    transfer_to_id: Mapped[UUID | None]
    transfer_until: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_reminded_at: Mapped[datetime | None]

    outcome: Mapped[Outcome | None]
    resolution_note: Mapped[str | None]
    resolved_at: Mapped[datetime | None]

    note_count: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    call_count: Mapped[int] = mapped_column(SmallInteger, server_default="0")

    last_actor_id: Mapped[UUID | None]
    # What that person did: the type of its event.
    last_act: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")
    seen_version: Mapped[int] = mapped_column(server_default="0")
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
        # What has closed, day by day.
        Index(
            "ix_handoffs_closed",
            "account_id",
            "resolved_at",
            "id",
            postgresql_where=text("status IN ('resolved', 'cancelled', 'expired')"),
        ),
        # A session's history, newest first; and the analytics' range.
        Index(None, "session_id", "created_at"),
        Index(None, "account_id", "created_at"),
        # What the auditor compares with the engine: what still lives, page by page.
        Index(
            "ix_handoffs_living",
            "id",
            postgresql_where=text("status IN ('parked', 'open', 'claimed')"),
        ),
        # Rounds that are late.
        Index("ix_handoffs_deadline", "deadline_at", postgresql_where=text("status = 'open'")),
        # What the engine has not seen yet.
        Index("ix_handoffs_unseen", "changed_at", postgresql_where=text("version > seen_version")),
    )


class RefusalRow(Table):
    """A new handoff to which the record said no, for as long as somebody may not have heard it."""

    __tablename__ = "refusals"

    handoff_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    verdict: Mapped[Verdict]
    other_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # What is forgotten by its age.
        Index(None, "created_at"),
    )
