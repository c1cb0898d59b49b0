"""A policy in JSON, as people write it and as they read it. What it may say is for the rules."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from api.schemas.texts import Body, Moment, Text
from handoff.contract.policy import Level, Policy, Target
from handoff.contract.words import Priority, TargetKind
from handoff.durations import parse_duration
from handoff.rules.channels import default_names, named_by_policies
from handoff.rules.policy import MAXIMUM_WAIT, MINIMUM_WAIT, WAIT_RATIO
from handoff.rules.policy_faults import Fault
from handoff.rules.preview import PreviewRound, Warned
from handoff.rules.roster import as_id

_DURATION = {
    "anyOf": [{"type": "string", "examples": ["15m", "1h30m", "PT15M"]}, {"type": "number"}],
    "description": "`15m`, `2h`, ISO 8601, or seconds",
}
_iso = TypeAdapter(timedelta)


def _seconds(value: Any) -> Any:
    """Durations as people write them, in seconds. Numbers are left to pydantic."""
    if isinstance(value, bool):
        raise ValueError("must be a duration such as 15m, or seconds")
    if not isinstance(value, str):
        return value
    try:
        length = parse_duration(value)
        if not isinstance(length, timedelta):
            length = _iso.validate_python(value if value[:1] in "Pp" else "")
        return length.total_seconds()
    except (ValueError, OverflowError):
        raise ValueError("must be a duration such as 15m, or seconds") from None


Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(allow_inf_nan=False),
    WithJsonSchema(_DURATION),
]


def _by_priority(value: Any) -> Any:
    """One duration stands for the wait of `normal`."""
    return value if isinstance(value, dict) else {Priority.NORMAL: _seconds(value)}


def _all_priorities(given: dict[Priority, float]) -> dict[Priority, float]:
    """The priorities that are not given keep their proportion to `normal`, within the bounds."""
    normal = given.get(Priority.NORMAL)
    if normal is None and len(given) < len(Priority):
        raise ValueError("needs `normal`, to which the missing ones keep their proportion")
    shortest, longest = MINIMUM_WAIT.total_seconds(), MAXIMUM_WAIT.total_seconds()
    return {
        priority: given.get(priority, min(max((normal or 0.0) * ratio, shortest), longest))
        for priority, ratio in WAIT_RATIO.items()
    }


Waits = Annotated[
    dict[Priority, Seconds],
    BeforeValidator(_by_priority),
    AfterValidator(_all_priorities),
    WithJsonSchema(
        {
            "anyOf": [
                *_DURATION["anyOf"],
                {
                    "type": "object",
                    "properties": {priority.value: _DURATION for priority in Priority},
                    "additionalProperties": False,
                },
            ],
            "description": "The wait of `normal`, or one for each priority",
        }
    ),
]


def _known_channel(name: str) -> str:
    if name not in named_by_policies():
        raise PydanticCustomError("enum", f"must be one of {', '.join(named_by_policies())}")
    return name


ChannelName = Annotated[
    str,
    AfterValidator(_known_channel),
    WithJsonSchema({"type": "string", "enum": [*named_by_policies()]}),
]


class TargetBody(Body):
    """Some people: the account, a role, a team by id, or one user by id."""

    kind: TargetKind
    value: Annotated[Text, Field(max_length=100)] | None = None

    def to_target(self) -> Target:
        """With ids in their usual spelling."""
        is_id = self.kind in (TargetKind.TEAM, TargetKind.USER)
        found = as_id(self.value) if is_id else None
        return Target(self.kind, str(found) if found else self.value)


class LevelBody(Body):
    """One step: whom to tell, how, how long to wait, how often in all."""

    targets: Annotated[list[TargetBody], Field(max_length=100)]
    channels: list[ChannelName] = Field(
        default_factory=lambda: list(default_names()), max_length=10
    )
    wait: Waits
    repeat: int = Field(default=1, description="How many rounds of this level, the first included")

    def to_level(self) -> Level:
        """The rules' form."""
        return Level(
            targets=tuple(target.to_target() for target in self.targets),
            channels=tuple(self.channels),
            waits=self.wait,
            repeat=self.repeat,
        )


_ONLY_SHOWN = ("is_default", "rounds_total", "faults")


class PolicyBody(Body):
    """An account's levels, in their order. What `GET /policy` answered may be sent back."""

    levels: Annotated[list[LevelBody], Field(max_length=50, json_schema_extra={"minItems": 1})]
    accept_window: Seconds = 600.0
    claim_lease: Seconds | None = None
    email_delay: Seconds = 0.0

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_only_shown(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: item for name, item in value.items() if name not in _ONLY_SHOWN}

    def to_policy(self) -> Policy:
        """The rules' form."""
        return Policy(
            levels=tuple(level.to_level() for level in self.levels),
            accept_window=self.accept_window,
            claim_lease=self.claim_lease,
            email_delay=self.email_delay,
        )


class LevelView(BaseModel):
    """One level. Waits in seconds."""

    targets: tuple[Target, ...]
    channels: tuple[str, ...]
    wait: dict[Priority, float]
    repeat: int


class PolicyView(BaseModel):
    """The policy that new handoffs copy. Durations in seconds."""

    levels: list[LevelView]
    accept_window: float
    claim_lease: float | None
    email_delay: float
    rounds_total: int
    is_default: bool = Field(description="Whether the account has set none")
    faults: list[Fault] = Field(
        description="What `PUT` would refuse today, because people or teams have gone since"
    )

    @classmethod
    def of(cls, policy: Policy, *, is_default: bool, faults: list[Fault]) -> "PolicyView":
        """As people read it."""
        levels = [
            LevelView(
                targets=level.targets,
                channels=level.channels,
                wait=level.waits,
                repeat=level.repeat,
            )
            for level in policy.levels
        ]
        return cls(
            levels=levels,
            accept_window=policy.accept_window,
            claim_lease=policy.claim_lease,
            email_delay=policy.email_delay,
            rounds_total=policy.rounds_total,
            is_default=is_default,
            faults=faults,
        )


class PreviewBody(Body):
    """The escalation to look ahead for. Without `policy`, the account's own."""

    policy: PolicyBody | None = None
    priority: Priority = Priority.NORMAL
    session_team_id: UUID | None = None
    escalator_id: UUID | None = None
    at: Moment | None = Field(default=None, description="Now, unless told otherwise")


class PreviewView(BaseModel):
    """What would happen if nobody claimed. Nothing was sent."""

    priority: Priority
    at: AwareDatetime
    rounds: list[PreviewRound]
    exhausted_after_seconds: float
    warnings: list[Warned]
