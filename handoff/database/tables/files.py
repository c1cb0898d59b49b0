"""Files of a session: what they are called and are, and what is in them, piece by piece."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from handoff.database.tables.base import Table


class FileRow(Table):
    """One file, whole from the moment that it can be seen."""

    __tablename__ = "files"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    session_id: Mapped[UUID]
    name: Mapped[str]
    size: Mapped[int]
    media_type: Mapped[str]
    digest: Mapped[bytes]
    kept_at: Mapped[str | None]
    added_by_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        # What points at a file names its account too.
        UniqueConstraint("account_id", "id"),
        # Session and person are of the file's own account.
        ForeignKeyConstraint(["account_id", "session_id"], ["sessions.account_id", "sessions.id"]),
        ForeignKeyConstraint(["account_id", "added_by_id"], ["users.account_id", "users.id"]),
        # Nothing that is empty, nothing that is larger than was let in: 10 MiB.
        CheckConstraint("size BETWEEN 1 AND 10485760", name="size_within_limit"),
        # A session's files, in the order in which they came.
        Index(None, "session_id", "id"),
        # Where a bucket keeps what is in it; None: in pieces, here. No two name the same object,
        # and whether one is named at all is what the sweep asks.
        Index(None, "kept_at", unique=True, postgresql_where=text("kept_at IS NOT NULL")),
        # What is forgotten by its age.
        Index(None, "created_at"),
    )


class FileChunkRow(Table):
    """256 KiB of a file; the last one may be shorter. `place` counts from 0."""

    __tablename__ = "file_chunks"

    file_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    content: Mapped[bytes]

    __table_args__ = (
        # Goes with its file.
        ForeignKeyConstraint(
            ["account_id", "file_id"], ["files.account_id", "files.id"], ondelete="CASCADE"
        ),
    )


class LeftObjectRow(Table):
    """An object of a bucket whose file is gone: written with the file's end, gone with its own."""

    __tablename__ = "left_objects"

    kept_at: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    # Not tried before; later than it was left where its bucket did not answer.
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "due_at"),)
