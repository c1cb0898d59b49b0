"""A policy as people write it: durations, proportions, and what can be sent back."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.schemas.policy import PolicyBody, PolicyView, PreviewBody
from handoff.contract.policy import Target
from handoff.contract.words import Priority, TargetKind
from handoff.rules.channels import EMAIL, PUSH
from handoff.rules.policy import WAIT_RATIO, default_policy, policy_from_json, policy_to_json


def read(wait: Any = "15m", **rest: Any) -> PolicyBody:
    level = {"targets": [{"kind": "account"}], "channels": ["email", "push"], "wait": wait}
    return PolicyBody.model_validate({"levels": [level], **rest})


def waits(wait: Any) -> dict[Priority, float]:
    return read(wait).to_policy().levels[0].waits


def refused_at(wait: Any, **rest: Any) -> list[tuple[int | str, ...]]:
    with pytest.raises(ValidationError) as refusal:
        read(wait, **rest)
    return [error["loc"] for error in refusal.value.errors()]


@pytest.mark.parametrize("wait", ["15m", "900s", "PT15M", 900, 900.0, {"normal": "15m"}])
def test_one_duration_is_the_wait_of_normal_and_the_others_keep_their_proportion(wait: Any) -> None:
    assert waits(wait) == {
        Priority.URGENT: pytest.approx(300),
        Priority.HIGH: pytest.approx(600),
        Priority.NORMAL: 900,
        Priority.LOW: 3600,
    }


def test_a_priority_that_is_given_has_its_own_wait() -> None:
    given_two = waits({"normal": "30m", "urgent": "1m"})
    assert given_two[Priority.URGENT] == 60
    assert given_two[Priority.LOW] == 4 * 1800


def test_all_four_need_no_normal_to_lean_on() -> None:
    every = {"urgent": 5, "high": 6, "normal": 7, "low": 8}
    assert waits(every) == every
    without = {name: every[name] for name in ("urgent", "high", "low")}
    assert refused_at(without) == [("levels", 0, "wait")]


@given(st.floats(5, 7 * 24 * 3600))
def test_the_proportion_holds_for_any_wait_within_the_bounds(seconds: float) -> None:
    week = 7 * 24 * 3600
    proportional = {priority: seconds * ratio for priority, ratio in WAIT_RATIO.items()}
    assert waits(seconds) == {p: min(max(wait, 5.0), week) for p, wait in proportional.items()}


@pytest.mark.parametrize(
    "wait",
    ["", "soon", "15", "-15m", True, None, [], "9" * 400 + "d", "P9999999999D", float("inf")],
)
def test_what_is_no_duration(wait: Any) -> None:
    assert refused_at(wait)[0][:3] == ("levels", 0, "wait")


def test_faults_in_a_mapping_are_named_by_priority() -> None:
    assert refused_at({"normal": "15m", "urgent": "soon"}) == [("levels", 0, "wait", "urgent")]
    assert refused_at({"normal": "15m", "huge": "1m"})[0][:4] == ("levels", 0, "wait", "huge")


def test_other_durations() -> None:
    policy = read(accept_window="20m", claim_lease="2h").to_policy()
    assert (policy.accept_window, policy.claim_lease) == (1200, 7200)
    assert (read().accept_window, read().claim_lease) == (600, None)
    assert refused_at("15m", accept_window="soon") == [("accept_window",)]


def test_what_is_not_known_is_refused() -> None:
    assert refused_at("15m", leveles=[]) == [("leveles",)]


def test_ids_get_their_usual_spelling() -> None:
    spelled = "0198C000-0000-7000-8000-0000000000A8"
    level = {"targets": [{"kind": "team", "value": spelled}], "wait": "15m"}
    policy = PolicyBody.model_validate({"levels": [level]}).to_policy()
    assert policy.levels[0].targets == (Target(TargetKind.TEAM, spelled.lower()),)
    assert policy.levels[0].channels == (EMAIL.name, PUSH.name)
    assert policy.levels[0].repeat == 1


@given(st.integers(1, 20), st.integers(20, 24 * 3600))
def test_what_is_shown_can_be_sent_back_and_stored(rounds: int, seconds: int) -> None:
    policy = default_policy(timedelta(seconds=seconds), rounds)
    shown = PolicyView.of(policy, is_default=True, faults=[]).model_dump_json()
    assert PolicyBody.model_validate_json(shown).to_policy() == policy
    assert policy_from_json(policy_to_json(policy)) == policy


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-01-01"])
def test_a_preview_stays_within_the_calendar(at: str) -> None:
    with pytest.raises(ValidationError):
        PreviewBody.model_validate({"at": at})
