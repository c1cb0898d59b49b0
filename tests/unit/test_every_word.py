"""Whatever says something about every word of a kind has decided on each: none is forgotten."""

from collections.abc import Container
from enum import StrEnum
from typing import Any

import pytest

from activities.email import letters
from activities.email.letters import LetterKind
from activities.email.wording import LETTERS
from api.console.shared import words
from api.identity.scopes import OPERATIONS
from handoff.contract.words import (
    DeliveryState,
    EventType,
    Outcome,
    Priority,
    SkipReason,
    StepKind,
    TokenScope,
)
from handoff.rules.policy import WAIT_RATIO
from workflows.handoff import STORY

TABLES: dict[str, tuple[Container[Any], type[StrEnum]]] = {
    "which letter tells of an event": (LETTERS, EventType),
    "a letter's headline": (letters._HEADLINES, LetterKind),
    "how the console says an event": (words._EVENTS, EventType),
    "how it says a priority": (words.PRIORITY, Priority),
    "how it says an outcome": (words.OUTCOME, Outcome),
    "how it says what became of a message": (words.DELIVERY, DeliveryState),
    "how it says why one was not sent": (words.SKIPPED, SkipReason),
    "what a timer waits for": (STORY, StepKind),
    "the default waits": (WAIT_RATIO, Priority),
    "what a token's scope opens": (OPERATIONS, TokenScope),
}


@pytest.mark.parametrize("name", TABLES)
def test_none_is_forgotten(name: str) -> None:
    table, kind = TABLES[name]
    assert [word for word in kind if word not in table] == []
