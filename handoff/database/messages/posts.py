"""The one message of a place that stands for a handoff: who writes there, and what stands there.

Whoever writes has it to themselves for a while, so two events of a handoff can neither make two
messages nor leave the older state standing; a process that dies holds up nobody for long.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from sqlalchemy import Executable, Interval, bindparam, func, update
from sqlalchemy.dialects.postgresql import insert

from handoff.database.gate import ANY, Tenant
from handoff.database.tables import PostRow

HELD_FOR = timedelta(seconds=30)
"""Longer than the most that is asked of the other side in one go. Whatever is written down holds it
anew."""


@dataclass(frozen=True, slots=True)
class Post:
    """What stands there, for whoever has its turn.

    `reference`: how the other side knows it, in the channel's own form. `asked_at`: since when it
    may be there, while nobody knows; where it is, the same of the next line beneath it. `version`
    of the handoff is shown; events up to `told` are told of beneath. `held_until` tells one turn
    from another.
    """

    reference: str | None
    asked_at: datetime | None
    version: int
    told: int
    held_until: datetime


async def take(tenant: Tenant, handoff_id: UUID, endpoint_id: UUID) -> Post | None:
    """The turn; None while another one has it."""
    found = await tenant.run(_taken(), handoff=handoff_id, endpoint=endpoint_id, held=HELD_FOR)
    row = found.one_or_none()
    return None if row is None else Post(**row._mapping)


@cache
def _taken() -> Executable:
    until = func.statement_timestamp() + bindparam("held", type_=Interval())
    added = insert(PostRow).values(
        account_id=ANY.account_id,
        handoff_id=bindparam("handoff"),
        endpoint_id=bindparam("endpoint"),
        held_until=until,
    )
    free = PostRow.held_until <= func.statement_timestamp()
    return added.on_conflict_do_update(
        index_elements=[PostRow.handoff_id, PostRow.endpoint_id],
        set_={"held_until": until},
        where=free,
    ).returning(
        PostRow.reference, PostRow.asked_at, PostRow.version, PostRow.told, PostRow.held_until
    )


async def keep(
    tenant: Tenant, handoff_id: UUID, endpoint_id: UUID, post: Post, *, give_back: bool = False
) -> Post | None:
    """Writes down what stands there now; None where the turn is another one's meanwhile."""
    written = await tenant.run(
        _kept(),
        handoff=handoff_id,
        endpoint=endpoint_id,
        mine=post.held_until,
        reference=post.reference,
        asked_at=post.asked_at,
        version=post.version,
        told=post.told,
        held=timedelta(0) if give_back else HELD_FOR,
    )
    held_until = written.scalar_one_or_none()
    return None if held_until is None else replace(post, held_until=held_until)


@cache
def _kept() -> Executable:
    return (
        update(PostRow)
        .where(
            PostRow.account_id == ANY.account_id,
            PostRow.handoff_id == bindparam("handoff"),
            PostRow.endpoint_id == bindparam("endpoint"),
            PostRow.held_until == bindparam("mine"),
        )
        .values(
            reference=bindparam("reference"),
            asked_at=bindparam("asked_at"),
            version=bindparam("version"),
            told=bindparam("told"),
            held_until=func.statement_timestamp() + bindparam("held", type_=Interval()),
        )
        .returning(PostRow.held_until)
    )
