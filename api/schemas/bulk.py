"""One command for many handoffs: what it takes, and what became of each."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Discriminator, Field, ValidationError, ValidatorFunctionWrapHandler
from pydantic import WrapValidator as Wrapped
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.schemas.commands import Cancel, Change, Nothing, Resolve, Snooze, Transfer
from api.schemas.problem import Problem
from api.schemas.texts import Body
from handoff.contract.record import HandoffView
from handoff.contract.words import Command

MOST_AT_ONCE = 100


class _Many(Body):
    """For which handoffs, by their ids."""

    ids: Annotated[list[UUID], Field(max_length=MOST_AT_ONCE)]


class ClaimMany(_Many, Nothing):
    """Take each."""

    command: Literal[Command.CLAIM]


class ResolveMany(_Many, Resolve):
    """End each, all with one outcome."""

    command: Literal[Command.RESOLVE]


class CancelMany(_Many, Cancel):
    """Take each back."""

    command: Literal[Command.CANCEL]


class SnoozeMany(_Many, Snooze):
    """Pause each until one time."""

    command: Literal[Command.SNOOZE]


class TransferMany(_Many, Transfer):
    """Hand each to one person."""

    command: Literal[Command.TRANSFER]


class ChangeMany(_Many, Change):
    """Set the same right in each."""

    command: Literal[Command.CHANGE]


def _named_plainly(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Which of the shapes a body has is no part of the path to its fault."""
    try:
        return check(value)
    except ValidationError as fault:
        raise ValidationError.from_exception_data(
            fault.title, [_plain(error) for error in fault.errors(include_url=False)]
        ) from None


def _plain(error: Any) -> InitErrorDetails:
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        missing = error["type"] == "union_tag_not_found"
        kind: Any = "missing" if missing else _UNKNOWN
        return InitErrorDetails(type=kind, loc=("command",), input=None)
    return InitErrorDetails(
        type=error["type"], loc=error["loc"][1:], input=None, ctx=error.get("ctx", {})
    )


ForMany = Annotated[
    ClaimMany | ResolveMany | CancelMany | SnoozeMany | TransferMany | ChangeMany,
    Discriminator("command"),
]
FOR_MANY = (
    *(Command.CLAIM, Command.RESOLVE, Command.CANCEL),
    *(Command.SNOOZE, Command.TRANSFER, Command.CHANGE),
)
"""The commands that many can be given at once."""

_UNKNOWN = PydanticCustomError("unknown_command", f"must be one of {', '.join(FOR_MANY)}")

GivenToMany = Annotated[ForMany, Wrapped(_named_plainly)]


@dataclass(frozen=True, slots=True)
class Done:
    """It was done, now or before. `handoff`: as it is now."""

    id: UUID
    status: Literal[200]
    handoff: HandoffView


@dataclass(frozen=True, slots=True)
class NotDone:
    """It was not, and why. `retry_after` in the problem: seconds, where it may work later."""

    id: UUID
    status: Annotated[int, Field(ge=400, le=599)]
    problem: Problem
