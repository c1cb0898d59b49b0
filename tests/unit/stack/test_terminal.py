"""What the commands print does nothing to the terminal that shows it."""

import json
from pathlib import Path

import pytest

from handoff import __main__ as command_line
from handoff.cli.terminal import harmless
from handoff.names import one_line

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\u202egnp\u2066\x00"


def test_what_cannot_be_seen_is_written_out() -> None:
    assert harmless(HOSTILE) == (r"\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\u202egnp\u2066\x00")
    assert harmless("«VPN drops» — für Zoë 👩") == "«VPN drops» — für Zoë 👩"
    assert harmless("a\ud800") == r"a\ud800"
    assert harmless("one\u2028two\u200bthree") == r"one\u2028two\u200bthree"


@pytest.mark.parametrize(
    "name",
    [
        "山田\u3000太郎",
        "Jean\u00a0Luc",
        "نیکی\u200cفر",
        "क्\u200dष",
        "👩\u200d🚒\ufe0f",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    ],
)
def test_what_names_are_written_with_is_shown(name: str) -> None:
    assert harmless(one_line(name)) == name


def test_a_fault_in_a_file_is_told_without_its_tricks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "people.json"
    file.write_text(json.dumps({"accounts": [{"id": "x", HOSTILE: 1, "name": HOSTILE}]}))
    monkeypatch.setattr("sys.argv", ["handoff", "import", str(file)])
    with pytest.raises(SystemExit) as left:
        command_line.run_command()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert r"\x1b[2J" in said
    assert all(line.isprintable() for line in said.splitlines())
