"""What keeps the service itself honest: repeated requests, and what the auditor found."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from handoff.contract.words import Role
from handoff.database.tables.base import Table


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
    role: Mapped[Role | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # A key is scoped to its user, or to the token by which a program acts as them.
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
