"""One list of commands: whatever else lists them has each of them, and none that is gone."""

import re
from pathlib import Path

import pytest

from api.console.shared import words
from handoff.contract.words import Command
from handoff.rules.commands import RULES
from tests.support.document import document

ROOT = Path(__file__).parents[2]
EVERY = sorted(command.value for command in Command)
HANDOFF = "/ai-sessions/{session_id}/handoffs/{handoff_id}"
NO_COMMAND = {"viewing", "notes"}
"""What can be posted to a handoff without changing it."""


def test_each_has_a_rule() -> None:
    assert set(RULES) == set(Command)


def test_each_has_a_route() -> None:
    posts = [
        path.removeprefix(f"{HANDOFF}/")
        for path, methods in document()["paths"].items()
        if path.startswith(f"{HANDOFF}/") and "post" in methods
    ]
    assert sorted({*posts} - NO_COMMAND) == EVERY


def test_each_has_words_on_its_button() -> None:
    assert set(words.COMMAND) == set(Command)


def test_each_button_does_something() -> None:
    """Either it gives its command at once, or it opens the dialog of that command."""
    buttons = re.search(r"{% set at_once = command in \((.*?)\) %}", template("story.html"))
    assert buttons is not None
    at_once = re.findall(r'"([a-z-]+)"', buttons[1])
    opened = re.findall(r'call sheet\("([a-z-]+)"', template("commands.html"))
    assert sorted([*at_once, *opened]) == EVERY


def template(name: str) -> str:
    """A template of the console's, wherever it lies there."""
    [path] = (ROOT / "api/console").rglob(name)
    return path.read_text()


@pytest.mark.parametrize("command", Command)
def test_each_operation_bears_its_name(command: Command) -> None:
    verb, *rest = command.split("-")
    operation = document()["paths"][f"{HANDOFF}/{command}"]["post"]
    assert operation["operationId"] == "".join([verb, "Handoff", *(word.title() for word in rest)])
    assert operation["tags"] == ["commands"]


def test_each_is_told_to_those_who_integrate() -> None:
    told = re.findall(r"POST \$H/([\w-]+)", (ROOT / "docs/integrating.md").read_text())
    assert sorted({*told} - NO_COMMAND) == EVERY
