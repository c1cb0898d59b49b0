"""What is wrong with a policy: every fault by the path to it, and nothing else refused."""

import math
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.contract.policy import Level, Policy, Target
from handoff.contract.words import Priority, Role, TargetKind
from handoff.rules.channels import EMAIL, PUSH
from handoff.rules.policy import MAXIMUM_ROUNDS, WAIT_RATIO
from handoff.rules.policy_faults import faults
from handoff.rules.roster import Member, Roster

NETWORK, EMPTY = UUID(int=1), UUID(int=2)
BO, AMIR, VERA, ZOE = (UUID(int=number) for number in (11, 12, 13, 14))

ROSTER = Roster(
    members={
        member.id: member
        for member in (
            Member(BO, "Bo", Role.ENGINEER, NETWORK),
            Member(AMIR, "Amir", Role.ADMIN, None),
            Member(VERA, "Vera", Role.VIEWER, EMPTY),
            Member(ZOE, "Zoe", Role.ENGINEER, NETWORK, is_active=False),
        )
    },
    teams=frozenset({NETWORK, EMPTY}),
)

EVERYBODY = Target(TargetKind.ACCOUNT)
LEVEL = Level(
    targets=(EVERYBODY,),
    channels=(EMAIL.name, PUSH.name),
    waits={priority: 600 * ratio for priority, ratio in WAIT_RATIO.items()},
    repeat=2,
)


def found(*levels: Level, **rest: Any) -> list[tuple[str, str]]:
    return [(fault.path, fault.type) for fault in faults(Policy(levels, **rest), ROSTER)]


def of_targets(*targets: Target) -> list[tuple[str, str]]:
    return found(LEVEL, replace(LEVEL, targets=targets))


def user(value: object) -> Target:
    return Target(TargetKind.USER, str(value))


def team(value: object) -> Target:
    return Target(TargetKind.TEAM, str(value))


def role(value: str) -> Target:
    return Target(TargetKind.ROLE, value)


def test_a_sound_policy_has_none() -> None:
    assert found(LEVEL, replace(LEVEL, targets=(role("admin"), team(NETWORK), user(BO)))) == []


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (user(UUID(int=99)), "unknown_user"),
        (user("not an id"), "unknown_user"),
        (Target(TargetKind.USER), "unknown_user"),
        (user(VERA), "not_eligible"),
        (user(ZOE), "not_eligible"),
        (team(UUID(int=99)), "unknown_team"),
        (team("not an id"), "unknown_team"),
        (Target(TargetKind.TEAM), "unknown_team"),
        (role("viewer"), "not_eligible"),
        (role("boss"), "unknown_role"),
        (Target(TargetKind.ROLE), "unknown_role"),
        (Target(TargetKind.ACCOUNT, "acme"), "unexpected"),
    ],
)
def test_a_target_that_names_nobody_who_may_be_told(target: Target, kind: str) -> None:
    assert of_targets(EVERYBODY, target) == [("levels/1/targets/1/value", kind)]


@pytest.mark.parametrize("target", [role("owner"), team(EMPTY)])
def test_a_level_that_reaches_nobody_eligible_is_unreachable(target: Target) -> None:
    assert of_targets(target) == [("levels/1/targets", "unreachable_level")]


def test_an_empty_team_beside_others_is_no_fault() -> None:
    assert of_targets(team(EMPTY), user(AMIR)) == []


def test_a_target_that_stands_there_twice() -> None:
    twice = [("levels/1/targets/2", "duplicate")]
    assert of_targets(user(BO), EVERYBODY, user(BO)) == twice


def test_a_channel_that_stands_there_twice() -> None:
    level = replace(LEVEL, channels=(EMAIL.name, EMAIL.name))
    assert found(level) == [("levels/0/channels/1", "duplicate")]


def test_what_must_not_be_empty() -> None:
    assert found() == [("levels", "empty")]
    assert found(replace(LEVEL, targets=())) == [("levels/0/targets", "empty")]
    assert found(replace(LEVEL, channels=())) == [("levels/0/channels", "empty")]


@pytest.mark.parametrize("repeat", [0, -1])
def test_a_level_has_a_round(repeat: int) -> None:
    assert found(replace(LEVEL, repeat=repeat)) == [("levels/0/repeat", "out_of_range")]


def test_a_negative_repeat_makes_no_room_for_more_rounds() -> None:
    less, more = replace(LEVEL, repeat=-5), replace(LEVEL, repeat=MAXIMUM_ROUNDS + 1)
    assert ("levels", "too_many_rounds") in found(less, more)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_twenty_rounds_are_the_most(repeats: list[int]) -> None:
    levels = [replace(LEVEL, repeat=repeat) for repeat in repeats]
    expected = [("levels", "too_many_rounds")] if sum(repeats) > MAXIMUM_ROUNDS else []
    assert found(*levels) == expected


@given(st.floats(allow_nan=True), st.sampled_from(list(Priority)))
def test_every_priority_waits_five_seconds_to_seven_days(
    seconds: float, priority: Priority
) -> None:
    level = replace(LEVEL, waits={**LEVEL.waits, priority: seconds})
    in_range = 5 <= seconds <= 7 * 24 * 3600
    expected = [] if in_range else [(f"levels/0/wait/{priority.value}", "out_of_range")]
    assert found(level) == expected


@pytest.mark.parametrize("seconds", [0, 4.9, math.nan, math.inf, 8 * 24 * 3600])
def test_the_window_and_the_lease_have_bounds_too(seconds: float) -> None:
    assert found(LEVEL, accept_window=seconds) == [("accept_window", "out_of_range")]
    assert found(LEVEL, claim_lease=seconds) == [("claim_lease", "out_of_range")]
    assert found(LEVEL, claim_lease=None) == []


def test_all_faults_are_told_at_once() -> None:
    broken = replace(LEVEL, targets=(user(VERA), team(UUID(int=99))), repeat=0)
    assert found(broken, accept_window=1) == [
        ("accept_window", "out_of_range"),
        ("levels/0/repeat", "out_of_range"),
        ("levels/0/targets/0/value", "not_eligible"),
        ("levels/0/targets/1/value", "unknown_team"),
    ]
