"""Accounts, teams, users, how they sign in, and the tokens of programs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from handoff.contract.words import BoundBy, Role, SubjectKind, UserKind
from handoff.database.tables.base import Table


class AccountRow(Table):
    """A tenant. Its row is the counter of its events, taken in the writing transaction."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    policy: Mapped[dict[str, Any] | None]
    # How much of a handoff leaves, by channel, where the account has chosen.
    content: Mapped[dict[str, Any] | None]
    # Where callbacks may go.
    callback_hosts: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    # What callbacks are signed with, as the key ring has sealed it.
    callback_secret: Mapped[str | None]
    callback_old_secret: Mapped[str | None]
    callback_old_secret_until: Mapped[datetime | None]
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
    # What the account's identity provider calls them, where that is not their address.
    user_name: Mapped[str | None]
    # Names in parts and the like, as the provider has them.
    profile: Mapped[dict[str, Any] | None]
    kind: Mapped[UserKind] = mapped_column(server_default=UserKind.PERSON.value)
    signed_out_at: Mapped[datetime | None]

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
        # And one per name that the identity provider has for them.
        Index(
            "uq_users_account_id_user_name",
            "account_id",
            text("lower(coalesce(user_name, email))"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )


class SignInRow(Table):
    """By what an identity provider's subject is one of our users, and on whose word.

    `issuer` is empty where it holds for whichever provider the operator has configured.
    """

    __tablename__ = "sign_ins"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    user_id: Mapped[UUID]
    kind: Mapped[SubjectKind]
    issuer: Mapped[str]
    subject: Mapped[str]
    bound_by: Mapped[BoundBy]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        # Who signs in is of the sign-in's own account, wherever the operator moves them.
        ForeignKeyConstraint(
            ["account_id", "user_id"], ["users.account_id", "users.id"], onupdate="CASCADE"
        ),
        # Within an account a subject is one user at a time.
        Index(
            "uq_sign_ins_account_id_kind_issuer_subject",
            "account_id",
            "kind",
            "issuer",
            "subject",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(None, "subject"),
        Index(None, "account_id", "user_id"),
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
    agreed_at: Mapped[datetime | None]
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
