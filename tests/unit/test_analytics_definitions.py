"""The definitions in the answer and those in the documentation are the same."""

from pathlib import Path

import pytest

from api.schemas.analytics import DEFINITIONS, EscalationReport

DOCUMENT = Path(__file__).parents[2] / "docs" / "analytics.md"


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_document_has_the_very_words(name: str) -> None:
    assert f"| `{name}` | {DEFINITIONS[name]} |" in DOCUMENT.read_text("utf-8")


def test_every_number_has_its_definition() -> None:
    numbers = set(EscalationReport.model_fields) - {"since", "until", "definitions"}
    assert numbers <= set(DEFINITIONS)
