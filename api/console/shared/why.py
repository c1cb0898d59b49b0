"""Why a handoff concerns its reader: said beside it in the queue and on its own page."""

from handoff.contract.people import Actor
from handoff.contract.policy import Target
from handoff.contract.record import Record
from handoff.contract.words import HandoffStatus, TargetKind
from handoff.rules.roles import WORKING_ROLES


def why(record: Record, reader: Actor, told_in: int | None) -> str | None:
    """Why this concerns the reader, or None when nothing else on the row says so."""
    if record.escalator.id == reader.id:
        return "You parked it" if record.status is HandoffStatus.PARKED else "You escalated it"
    if record.status is not HandoffStatus.OPEN or reader.role not in WORKING_ROLES:
        return None
    return None if told_in is None else _called(record, reader)


def _called(record: Record, reader: Actor) -> str:
    """By the most personal of the targets that hit the reader."""
    targets = record.policy.levels[record.level].targets
    said = {
        TargetKind.USER: "You were called by name",
        TargetKind.TEAM: "Your team was called",
        TargetKind.ROLE: f"Every {reader.role.value} was called",
        TargetKind.ACCOUNT: "Everyone was called",
    }
    hit = {target.kind for target in targets if _hits(target, reader)}
    return next((words for kind, words in said.items() if kind in hit), "You were called before")


def _hits(target: Target, reader: Actor) -> bool:
    match target.kind:
        case TargetKind.ACCOUNT:
            return True
        case TargetKind.ROLE:
            return target.value == reader.role.value
        case TargetKind.TEAM:
            return target.value == str(reader.team_id)
        case TargetKind.USER:
            return target.value == str(reader.id)
