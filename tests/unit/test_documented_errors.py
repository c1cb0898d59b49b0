"""Clients find every kind of error in the document, where it may come, with an example."""

import json

import pytest

from handoff import errors
from handoff.errors import HandoffError
from tests.support.document import document, operations

AT_THE_TERMINAL = (errors.ConfigurationError, errors.ImportRefused)
ANSWERED = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, HandoffError)
    # By its own name, or as one of those that stand for it.
    and kind not in (*AT_THE_TERMINAL, errors.Refusal)
]


@pytest.mark.parametrize("kind", ANSWERED, ids=lambda kind: kind.__name__)
def test_every_kind_stands_in_the_document(kind: type[HandoffError]) -> None:
    assert json.dumps(kind.type) in json.dumps(document()["paths"])


@pytest.mark.parametrize(
    ("operation_id", "status", "kind"),
    [
        ("createHandoff", "503", errors.EngineUnreachable),
        ("createHandoff", "422", errors.CallbackHost),
        ("sendTestNotification", "503", errors.EngineUnreachable),
        ("testWebhook", "503", errors.EngineUnreachable),
        ("claimByLink", "409", errors.OwnEscalation),
        ("pressInSlack", "429", errors.TooMany),
        ("getMe", "500", errors.HandoffError),
        ("getMe", "431", errors.HeadersTooLarge),
    ],
)
def test_it_stands_where_it_may_come(
    operation_id: str, status: str, kind: type[HandoffError]
) -> None:
    _, _, described = operations()[operation_id]
    content = described["responses"][status]["content"]["application/problem+json"]
    assert kind.type in [one["value"]["type"] for one in content["examples"].values()]
