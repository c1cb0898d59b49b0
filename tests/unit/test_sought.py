"""What somebody types who looks for a handoff, as PostgreSQL is asked for it."""

import importlib
from uuid import UUID

import pytest

from handoff.rules import sought as rules
from handoff.rules.sought import sought

WORDS = {
    "vpn drops": "('vpn') & ('drops':*)",
    "gw-200": "('gw-200':* | ('gw' <-> '200':*))",
    "10.0.0.1 down": "('10.0.0.1' | ('10' <-> '0' <-> '0' <-> '1')) & ('down':*)",
    '"in this order"': "('in' <-> 'this' <-> 'order')",
    '"never closed': "('never' <-> 'closed')",
    "vpn or rekey": "('vpn') | ('rekey':*)",
    "or vpn or or rekey or": "('vpn') | ('rekey')",
    "vpn -rekey": "('vpn') & !('rekey')",
    '-"old key" vpn': "!('old' <-> 'key') & ('vpn':*)",
    "a,b": "(('a') & ('b'))",
    "ＧＷ‑200": "(('GW') & ('200':*))",
    "x": "('x')",
    "東京都": "('東京' & '京都')",
    "都": "('都':*)",
    "VPN接続 gw-1が": "(('VPN') & ('接続')) & (('gw-1' | ('gw' <-> '1')) & ('が':*))",
    '"VPN の 接続 drops now"': "('VPN' & 'の':* & '接続' & 'drops' <-> 'now')",
    "-東京 서울": "!('東京') & ('서울')",
    "it's": "(('it') & ('s'))",
    "a\\' | !b:* & (c <-> d)": None,
    "% _ - \" ' & | ! ( ) :* <->": None,
    "": None,
}


@pytest.mark.parametrize("typed", WORDS)
def test_what_is_typed_becomes_words(typed: str) -> None:
    found = sought(typed).words
    if WORDS[typed] is not None or typed in ("", "% _ - \" ' & | ! ( ) :* <->"):
        assert found == WORDS[typed]
    else:
        # Whatever it means, no quote of theirs ends one of ours.
        assert found is not None
        assert found.count("'") % 2 == 0
        assert "\\" not in found


def test_an_id_or_its_beginning() -> None:
    whole = UUID("0198c000-0000-7000-8000-0000000000a0")
    assert sought(str(whole).upper()).ids == (whole, whole)
    first, last = sought("0198c000-0000-7").ids or (None, None)
    assert str(first) == "0198c000-0000-7000-0000-000000000000"
    assert str(last) == "0198c000-0000-7fff-ffff-ffffffffffff"
    for other in ("019", "0198g", "x0198", "0" * 33, "0198 c000", "----"):
        assert sought(other).ids is None, other


def test_the_database_divides_words_alike() -> None:
    name = "handoff.database.migrations.versions.0018_words_to_find_a_handoff_by"
    kept = importlib.import_module(name)
    assert (kept.BETWEEN, kept.WITHIN) == (rules.BETWEEN, rules.WITHIN)
    inside = importlib.import_module("handoff.database.migrations.versions.0022_words_inside_a_run")
    assert inside.RUN == rules.RUN
