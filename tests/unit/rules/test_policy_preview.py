"""Looking ahead: the rounds that the engine would run, who is told in them, and the warnings."""

from dataclasses import replace
from datetime import UTC, datetime, time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.contract.people import Person
from handoff.contract.policy import Level, Policy, Target
from handoff.contract.record import Record
from handoff.contract.words import HandoffStatus, Intent, Priority, Role, TargetKind
from handoff.rules.attention import ChannelChoice, Choices, QuietHours, wants, why_not
from handoff.rules.channels import EMAIL, PUSH, default_names
from handoff.rules.policy import WAIT_RATIO, next_level
from handoff.rules.preview import PreviewRound, Question, preview
from handoff.rules.roster import Member, Roster

NETWORK = UUID(int=1)
BO = Member(UUID(int=11), "Bo", Role.ENGINEER, NETWORK)
AMIR = Member(UUID(int=12), "Amir", Role.ADMIN, None)
CHEN = Member(UUID(int=13), "Chen", Role.ENGINEER, NETWORK)
VERA = Member(UUID(int=14), "Vera", Role.VIEWER, NETWORK)
ZOE = Member(UUID(int=15), "Zoe", Role.ENGINEER, NETWORK, is_active=False)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WAITS = {priority: 600 * ratio for priority, ratio in WAIT_RATIO.items()}
BOTH = (EMAIL.name, PUSH.name)
EVERYBODY = Level((Target(TargetKind.ACCOUNT),), BOTH, WAITS, repeat=1)
ADMINS = Level((Target(TargetKind.ROLE, "admin"),), BOTH, WAITS, repeat=1)
TEAM = Level((Target(TargetKind.TEAM, str(NETWORK)),), BOTH, WAITS, repeat=1)


def ahead(
    *levels: Level,
    people: tuple[Member, ...] = (BO, AMIR, CHEN, VERA, ZOE),
    question: Question | None = None,
) -> list[PreviewRound]:
    roster = Roster({member.id: member for member in people}, frozenset({NETWORK}))
    return [*preview(Policy(levels), roster, question or Question(NOON))]


def names(one: PreviewRound) -> list[str]:
    return [person.name for person in one.recipients]


def warnings(one: PreviewRound) -> list[str]:
    return [warned.type for warned in one.warnings]


def test_round_by_round_with_the_waits_of_the_priority() -> None:
    rounds = ahead(replace(TEAM, repeat=2), ADMINS, question=Question(NOON, Priority.HIGH))
    assert [(one.round, one.level, one.after_seconds) for one in rounds] == [
        (1, 0, 0),
        (2, 0, 400),
        (3, 1, 800),
    ]
    assert [names(one) for one in rounds] == [["Bo", "Chen"], ["Bo", "Chen"], ["Amir"]]


def test_never_the_escalator_a_viewer_or_one_who_is_deactivated() -> None:
    [one] = ahead(EVERYBODY, question=Question(NOON, escalator_id=BO.id))
    assert names(one) == ["Amir", "Chen"]


def _record(policy: Policy) -> Record:
    return Record(
        id=BO.id,
        session_id=BO.id,
        session_title="",
        account_id=BO.id,
        team_id=None,
        intent=Intent.ESCALATE,
        priority=Priority.NORMAL,
        status=HandoffStatus.OPEN,
        engineer_notes=None,
        context=None,
        escalator=Person(BO.id, BO.name),
        created_at=NOON,
        policy=policy,
        rounds_total=policy.rounds_total,
    )


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_the_rounds_are_those_that_the_engine_takes(repeats: list[int]) -> None:
    policy = Policy(tuple(replace(EVERYBODY, repeat=repeat) for repeat in repeats))
    record, taken = _record(policy), []
    for number in range(policy.rounds_total):
        level, level_round = next_level(record)
        record = replace(record, level=level, level_round=level_round, round=number + 1)
        taken.append((record.round, level))
    assert [(one.round, one.level) for one in ahead(*policy.levels)] == taken


QUIET = QuietHours(time(22), time(7), "Europe/Berlin")
CHANNEL_CHOICES = st.builds(ChannelChoice, st.booleans(), st.sampled_from(Priority))
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    st.builds(
        Choices,
        st.dictionaries(st.sampled_from(default_names()), CHANNEL_CHOICES),
        st.sampled_from([None, QUIET]),
    ),
    st.sampled_from(default_names()),
    st.sampled_from(Priority),
    MOMENTS,
)
def test_what_is_more_urgent_comes_wherever_what_is_less_would(
    choices: Choices, channel: str, priority: Priority, moment: datetime
) -> None:
    order = list(Priority)
    louder = order[order.index(priority) :]
    if wants(choices, channel, priority, moment):
        assert all(wants(choices, channel, one, moment) for one in louder)


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        (Choices({"email": ChannelChoice(enabled=False)}), "channel_off"),
        (
            Choices({"email": ChannelChoice(minimum_priority=Priority.HIGH)}),
            "below_minimum_priority",
        ),
        (Choices(quiet_hours=QuietHours(time(11), time(15), "UTC")), "quiet_hours"),
    ],
)
def test_which_choice_it_was(choices: Choices, reason: str) -> None:
    assert why_not(choices, EMAIL.name, Priority.NORMAL, NOON) == reason


def test_a_skipped_channel_stands_beside_the_others() -> None:
    off = replace(CHEN, choices=Choices({"email": ChannelChoice(enabled=False)}))
    [one] = ahead(EVERYBODY, people=(AMIR, off))
    chen = one.recipients[1]
    assert chen.channels == (PUSH.name,)
    assert [(skipped.channel, skipped.reason) for skipped in chen.skipped] == [
        (EMAIL.name, "channel_off")
    ]


def test_nobody() -> None:
    [one] = ahead(EVERYBODY, people=(BO, VERA), question=Question(NOON, escalator_id=BO.id))
    assert warnings(one) == ["nobody"]


def test_a_level_that_reaches_nobody_waits_for_nobody() -> None:
    quiet = Choices(quiet_hours=QuietHours(time(11), time(13), "UTC"))
    asleep = replace(CHEN, choices=quiet)
    of_chen = Level((Target(TargetKind.USER, str(CHEN.id)),), BOTH, WAITS, repeat=3)
    rounds = ahead(of_chen, replace(ADMINS, repeat=2), people=(AMIR, asleep))
    assert [(one.round, one.level, one.after_seconds, one.wait_seconds) for one in rounds] == [
        (1, 0, 0, 0),
        (2, 1, 0, 600),
        (3, 1, 600, 600),
    ]
    assert "level_passed" in warnings(rounds[0])
    urgent = Question(NOON, Priority.URGENT)
    assert len(ahead(of_chen, ADMINS, people=(AMIR, asleep), question=urgent)) == 4


def test_the_last_level_looks_again() -> None:
    rounds = ahead(replace(ADMINS, repeat=2), people=(CHEN,))
    assert [one.wait_seconds for one in rounds] == [600, 600]
    assert "level_passed" not in warnings(rounds[0])


def test_only_one_and_a_single_channel() -> None:
    [one] = ahead(replace(ADMINS, channels=(PUSH.name,)))
    assert warnings(one) == ["only_one", "single_channel"]
    assert one.warnings[0].user_id == AMIR.id


def test_a_person_whom_no_channel_reaches() -> None:
    off = ChannelChoice(enabled=False)
    [one] = ahead(
        EVERYBODY, people=(AMIR, BO, replace(CHEN, choices=Choices({"email": off, "push": off})))
    )
    assert [(warned.type, warned.user_id) for warned in one.warnings] == [
        ("person_without_channel", CHEN.id)
    ]


def test_quiet_hours_begin_and_end_between_rounds() -> None:
    quiet = Choices(quiet_hours=QuietHours(time(12, 5), time(12, 15), "UTC"))
    people = (AMIR, BO, replace(CHEN, choices=quiet))
    rounds = ahead(replace(EVERYBODY, repeat=3), people=people)
    assert ["quiet_hours" in warnings(one) for one in rounds] == [False, True, False]
    urgent = Question(NOON, Priority.URGENT)
    rounds = ahead(replace(EVERYBODY, repeat=3), people=people, question=urgent)
    assert not any("quiet_hours" in warnings(one) for one in rounds)


def test_a_later_level_that_tells_nobody_new() -> None:
    first, second, third = ahead(EVERYBODY, replace(TEAM, repeat=2))
    assert "nobody_new" not in warnings(first)
    assert "nobody_new" in warnings(second)
    assert "nobody_new" not in warnings(third)


def test_nobody_of_the_sessions_own_team() -> None:
    of_team = Question(NOON, session_team_id=NETWORK)
    first, second = ahead(TEAM, ADMINS, question=of_team)
    assert "outside_team" not in warnings(first)
    assert "outside_team" in warnings(second)
