"""What was found in a text is pointed at, and nothing of the text is lost."""

import pytest

from api.console.search.marking import excerpt, marked, pattern_of

FOUND = {
    ("vpn", "VPN drops, vpns too"): ["VPN", "vpns"],
    ("vpn drops", "VPN drops, vpns too"): ["VPN", "drops"],
    ("gw-200", "gw-200, GW 200, gw-2001, xgw-200"): ["gw-200", "GW 200", "gw-2001"],
    ('"rekey fails"', "rekey  fails, fails rekey"): ["rekey  fails"],
    ("-vpn drops", "VPN drops"): ["drops"],
    ("a or b", "a or b"): ["a", "b"],
    (".* [a", "a .* b"): ["a"],
    ("%", "100 %"): [],
    ("", "anything"): [],
}


@pytest.mark.parametrize(("typed", "text"), FOUND)
def test_what_is_marked(typed: str, text: str) -> None:
    pieces = marked(text, pattern_of(typed))
    assert [piece.text for piece in pieces if piece.found] == FOUND[typed, text]
    assert "".join(piece.text for piece in pieces) == text


def test_an_excerpt_is_cut_between_words() -> None:
    text = "before " * 40 + "mango" + " after" * 40
    said = "".join(piece.text for piece in excerpt((None, "", "no", text), pattern_of("mango")))
    assert said.startswith("… before before")
    assert said.endswith("after after …")
    assert len(said) < 220
    assert excerpt(("nothing",), pattern_of("mango")) == []
    assert excerpt(("x" * 500 + " mango",), pattern_of("mango"))
