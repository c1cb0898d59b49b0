"""What is wrong with a policy, fault by fault, each with the path to it. Pure.

Paths point into the policy's full form, as `GET /policy` shows it: `levels/1/targets/0/value`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handoff.contract.policy import Level, Policy, Target
from handoff.contract.words import Role, TargetKind
from handoff.rules.channels import named_by_policies
from handoff.rules.policy import MAXIMUM_ROUNDS, MAXIMUM_WAIT, MINIMUM_WAIT
from handoff.rules.roles import WORKING_ROLES
from handoff.rules.roster import Roster, as_id

_LONGEST_DELAY = 60.0
"""Mail is for those whom the push did not reach: it must not wait for long."""

_SHORTEST = MINIMUM_WAIT.total_seconds()
_LONGEST = MAXIMUM_WAIT.total_seconds()


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason to refuse a policy."""

    path: str
    message: str
    type: str


def faults(policy: Policy, roster: Roster) -> list[Fault]:
    """Every fault of the policy for these people; none means that it may be stored."""
    found = [*_of_the_whole(policy)]
    for number, level in enumerate(policy.levels):
        found += _of_level(f"levels/{number}", level, roster)
    return found


def _of_the_whole(policy: Policy) -> Iterator[Fault]:
    if not policy.levels:
        yield Fault("levels", "needs at least one level", "empty")
    rounds = sum(max(level.repeat, 0) for level in policy.levels)
    if rounds > MAXIMUM_ROUNDS:
        message = f"asks for {rounds} rounds in all; {MAXIMUM_ROUNDS} is the most"
        yield Fault("levels", message, "too_many_rounds")
    yield from _of_duration("accept_window", "an accept window", policy.accept_window)
    if policy.claim_lease is not None:
        yield from _of_duration("claim_lease", "a lease", policy.claim_lease)
    if not 0 <= policy.email_delay <= _LONGEST_DELAY:
        message = f"holds mail back for {policy.email_delay:g} s; {_LONGEST_DELAY:g} is the most"
        yield Fault("email_delay", message, "out_of_range")


def _of_duration(path: str, what: str, seconds: float) -> Iterator[Fault]:
    # Not a number is in no range, so the comparison is asked this way round.
    if not _SHORTEST <= seconds <= _LONGEST:
        message = f"{what} of {seconds:g} s is outside of 5 seconds to 7 days"
        yield Fault(path, message, "out_of_range")


def _of_level(path: str, level: Level, roster: Roster) -> Iterator[Fault]:
    for priority, seconds in level.waits.items():
        yield from _of_duration(f"{path}/wait/{priority}", f"{priority}: a wait", seconds)
    if level.repeat < 1:
        yield Fault(f"{path}/repeat", "each level has at least one round", "out_of_range")
    if not level.channels:
        yield Fault(f"{path}/channels", "needs at least one channel", "empty")
    yield from _repeated(f"{path}/channels", level.channels)
    for number, name in enumerate(level.channels):
        if name not in named_by_policies():
            yield Fault(f"{path}/channels/{number}", "no such channel here", "unknown_channel")
    in_targets = [*_of_targets(f"{path}/targets", level, roster)]
    yield from in_targets
    if not in_targets and next(roster.named(level), None) is None:
        message = "nobody who may be told stands here, so no round of this level reaches anybody"
        yield Fault(f"{path}/targets", message, "unreachable_level")


def _repeated(path: str, items: Sequence[object]) -> Iterator[Fault]:
    seen: set[object] = set()
    for number, item in enumerate(items):
        if item in seen:
            yield Fault(f"{path}/{number}", "stands here twice", "duplicate")
        seen.add(item)


def _of_targets(path: str, level: Level, roster: Roster) -> Iterator[Fault]:
    if not level.targets:
        yield Fault(path, "needs at least one target", "empty")
    yield from _repeated(path, level.targets)
    for number, target in enumerate(level.targets):
        wrong = _of_value(target, roster)
        if wrong is not None:
            yield Fault(f"{path}/{number}/value", *wrong)


def _of_value(target: Target, roster: Roster) -> tuple[str, str] | None:
    """What is wrong with a target's value: the message and the type of the fault."""
    match target.kind:
        case TargetKind.ACCOUNT:
            return None if target.value is None else ("`account` takes no value", "unexpected")
        case TargetKind.ROLE:
            return _of_role(target.value)
        case TargetKind.TEAM:
            known = as_id(target.value) in roster.teams
            return None if known else ("no such team in this account", "unknown_team")
        case TargetKind.USER:
            return _of_user(target.value, roster)


def _of_role(value: str | None) -> tuple[str, str] | None:
    if value in WORKING_ROLES:
        return None
    if value == Role.VIEWER:
        return "viewers are never told of an escalation", "not_eligible"
    return "must be engineer, admin or owner", "unknown_role"


def _of_user(value: str | None, roster: Roster) -> tuple[str, str] | None:
    user_id = as_id(value)
    member = None if user_id is None else roster.members.get(user_id)
    if member is None:
        return "no such user in this account", "unknown_user"
    if not member.is_active:
        return "this user is deactivated", "not_eligible"
    if not member.is_eligible:
        return "this user is a viewer, and viewers are never told of an escalation", "not_eligible"
    return None
