"""What commands have in common: what they require of the actor and the record, and refusals."""

from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import FINAL, EventType, HandoffStatus, Intent
from handoff.errors import AlreadyClaimed, Forbidden, HandoffClosed, Invalid, WrongState
from handoff.rules.roles import LEADING_ROLES, WORKING_ROLES


def must_work(actor: Actor) -> None:
    if actor.role not in WORKING_ROLES:
        raise Forbidden("Viewers can look, but not act. Ask an admin for another role.")


def must_work_or_have_escalated(record: Record, actor: Actor) -> None:
    """Who handed it off may still see to it, whatever they have become since."""
    if record.escalator.id != actor.id:
        must_work(actor)


def must_not_be_final(record: Record) -> None:
    if record.status in FINAL:
        raise HandoffClosed(
            f"It is {record.status.value}, and nothing reopens it.",
            handoff_status=record.status.value,
        )


def must_be(record: Record, status: HandoffStatus) -> None:
    if record.status is not status:
        raise WrongState(
            f"It is {record.status.value}; this needs it to be {status.value}.",
            handoff_status=record.status.value,
        )


def must_be_somebody(named: Actor | None) -> Actor:
    """Whom a command names is a person of the account."""
    if named is None:
        fault = {"path": "body/to", "message": "no such user", "type": "unknown_user"}
        raise Invalid("`to` must be an active user of this account.", errors=[fault])
    return named


def must_hold_or_lead(record: Record, actor: Actor) -> None:
    holds = record.claimed_by is not None and record.claimed_by.id == actor.id
    if not holds and actor.role not in LEADING_ROLES:
        raise Forbidden("Only the one who claimed it, an admin or an owner can do this.")


def did(record: Record, actor: Actor, act: EventType) -> bool:
    """Whether this is what was done last, by the same person: asked again, nothing happens."""
    return record.last_actor_id == actor.id and record.last_act == act


def is_own_escalation(record: Record, actor: Actor) -> bool:
    return record.intent is Intent.ESCALATE and record.escalator.id == actor.id


def must_be_able_to_claim(record: Record, named: Actor) -> None:
    """Whom a command names has to be one who could take it."""
    if named.role not in WORKING_ROLES or is_own_escalation(record, named):
        raise WrongState(f"{named.name} cannot claim this handoff.", handoff_status=record.status)


def already_claimed(record: Record) -> AlreadyClaimed:
    """The loser's answer: it always says who has it."""
    holder = record.claimed_by
    assert holder is not None  # noqa: S101 - the callers have just looked
    return AlreadyClaimed(
        f"{holder.name} has it.",
        claimed_by={"id": str(holder.id), "name": holder.name},
        claimed_at=record.claimed_at,
    )
