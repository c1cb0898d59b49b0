"""The words by which handoffs are found. PostgreSQL's own triggers keep them (migration 0018)."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from handoff.database.tables.base import Table


class TextsRow(Table):
    """What a handoff says, as words. `shown`: its title and resolution, which all of the account
    may read. `whole`: its notes as well, which are its parker's own while it is parked."""

    __tablename__ = "handoff_texts"

    handoff_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    shown: Mapped[str] = mapped_column(TSVECTOR)
    whole: Mapped[str] = mapped_column(TSVECTOR)

    __table_args__ = (
        # They go with their handoff.
        ForeignKeyConstraint(
            ["account_id", "handoff_id"],
            ["handoffs.account_id", "handoffs.id"],
            ondelete="CASCADE",
        ),
        *(
            Index(
                None,
                name,
                postgresql_using="gin",
                postgresql_with={"gin_pending_list_limit": 512},
            )
            for name in ("shown", "whole")
        ),
    )
