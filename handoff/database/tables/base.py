"""What all tables share: how constraints are named, and how a word is stored."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import DateTime, Enum, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

from handoff.contract.words import (
    BoundBy,
    DeliveryState,
    EventType,
    HandoffStatus,
    Intent,
    Outcome,
    Priority,
    Role,
    SessionStatus,
    SubjectKind,
    UserKind,
    Verdict,
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
    UserKind,
    SubjectKind,
    BoundBy,
    SessionStatus,
    Intent,
    Priority,
    HandoffStatus,
    Outcome,
    DeliveryState,
    EventType,
    Verdict,
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
