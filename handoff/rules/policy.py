"""Policies: the default one, their JSON form, their faults, and the level of the next round."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from handoff.contract.policy import Level, Policy, Target
from handoff.contract.record import Record
from handoff.contract.words import Priority, TargetKind
from handoff.rules.channels import EMAIL, Channel, default_names, following

WAIT_RATIO = {
    Priority.URGENT: 1 / 3,
    Priority.HIGH: 2 / 3,
    Priority.NORMAL: 1.0,
    Priority.LOW: 4.0,
}
"""Waits in proportion to `normal`: 5, 10, 15 and 60 minutes by default."""

MINIMUM_WAIT = timedelta(seconds=5)
MAXIMUM_WAIT = timedelta(days=7)
MAXIMUM_ROUNDS = 20


def default_policy(claim_timeout: timedelta, max_rounds: int) -> Policy:
    """One level, everybody eligible, both channels: used where an account has set none."""
    waits = {
        priority: claim_timeout.total_seconds() * ratio for priority, ratio in WAIT_RATIO.items()
    }
    everybody = Level(
        targets=(Target(TargetKind.ACCOUNT),),
        channels=default_names(),
        waits=waits,
        repeat=max_rounds,
    )
    return Policy(levels=(everybody,))


def policy_to_json(policy: Policy) -> dict[str, Any]:
    """The form in which a policy is stored: durations in seconds."""
    return asdict(policy)


def policy_from_json(stored: dict[str, Any]) -> Policy:
    """Reads what `policy_to_json` wrote."""
    return Policy(
        levels=tuple(_level_from_json(level) for level in stored["levels"]),
        accept_window=stored["accept_window"],
        claim_lease=stored["claim_lease"],
        # Copies that were taken before there was such a thing know none.
        email_delay=stored.get("email_delay", 0.0),
    )


def _level_from_json(stored: dict[str, Any]) -> Level:
    return Level(
        targets=tuple(
            Target(TargetKind(target["kind"]), target["value"]) for target in stored["targets"]
        ),
        channels=tuple(stored["channels"]),
        waits={Priority(priority): wait for priority, wait in stored["waits"].items()},
        repeat=stored["repeat"],
    )


def held_back(record: Record, channel: str) -> timedelta:
    """How long a call by this channel waits for somebody who has it on their screen already.

    At most half of its round: a call must not come when the next one does.
    """
    if channel != EMAIL.name:
        return timedelta(0)
    wait = record.policy.levels[record.level].waits[record.priority]
    return timedelta(seconds=min(record.policy.email_delay, wait / 2))


def next_level(record: Record) -> tuple[int, int]:
    """The level of the next round, and which of that level's rounds it is (from 1).

    The last level repeats for as long as rounds are asked for.
    """
    last = len(record.policy.levels) - 1
    if record.level == last or record.level_round < record.policy.levels[record.level].repeat:
        return record.level, record.level_round + 1
    return record.level + 1, 1


def told_besides(policy: Policy) -> list[Channel]:
    """The channels whose places the first round tells, because no level names them. No level counts
    on them."""
    named = {name for level in policy.levels for name in level.channels}
    return [row for row in following() if not row.to_programs and row.name not in named]


def describe_targets(level: Level) -> str:
    """Whom a level tells, for people to read."""
    return ", ".join(_describe(target) for target in level.targets)


def _describe(target: Target) -> str:
    match target.kind:
        case TargetKind.ACCOUNT:
            return "every engineer, admin and owner of the account"
        case TargetKind.ROLE:
            return f"every {target.value}"
        case TargetKind.TEAM:
            return "the team"
        case TargetKind.USER:
            return "a named person"
