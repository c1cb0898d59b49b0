"""`.env.example` names every setting, and works as it stands once its secrets are filled in."""

import re
import string
from datetime import timedelta
from pathlib import Path

import pytest

from handoff.cli.environment_example import duration_text, files
from handoff.durations import parse_duration
from handoff.settings import Settings, load_settings

FILE = Path(__file__).parents[2] / ".env.example"
NAMED = re.compile(r"^#?((?:HANDOFF|TEMPORAL)_\w+)=(.*)$", re.MULTILINE)


def values(text: str, *, with_defaults: bool) -> dict[str, str]:
    """What a shell or Docker Compose would make of the file, every secret filled in."""
    found: dict[str, str] = {}
    for mark, name, value in re.findall(r"^(#?)(\w+)=(.*)$", text, re.MULTILINE):
        if not mark:
            found[name] = string.Template(value).substitute(found) or "f" * 48
        elif with_defaults:
            found[name] = value.strip('"')
    return found


def test_they_are_made_from_the_settings_as_they_are() -> None:
    for path, wanted in files(FILE.parent).items():
        assert path.read_text("utf-8") == wanted, "run `make fix`"


def test_it_names_every_setting_once() -> None:
    named = [name for name, _ in NAMED.findall(FILE.read_text("utf-8"))]
    wanted = [f"HANDOFF_{name.upper()}" for name in Settings.model_fields]
    assert [name for name in named if name.startswith("HANDOFF_")] == wanted


@pytest.mark.parametrize("with_defaults", [False, True])
def test_with_its_secrets_filled_in_it_starts(
    with_defaults: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in values(FILE.read_text("utf-8"), with_defaults=with_defaults).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    for name, field in Settings.model_fields.items():
        if not field.is_required() and name not in ("auth_secret", "payload_keys"):
            assert getattr(settings, name) == field.default, f"HANDOFF_{name.upper()}"


def test_it_holds_no_secret() -> None:
    text = FILE.read_text("utf-8")
    secrets = re.findall(r"^(\w*(?:PASSWORD|SECRET|API_KEY)\w*)=(.*)$", text, re.MULTILINE)
    assert secrets
    assert {value for _, value in secrets} == {""}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(milliseconds=300), "300ms"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(hours=24), "1d"),
        (timedelta(0), "0s"),
    ],
)
def test_durations_are_written_as_they_are_read(value: timedelta, text: str) -> None:
    assert duration_text(value) == text
    assert parse_duration(text) == value
