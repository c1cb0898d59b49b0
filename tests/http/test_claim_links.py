"""Claim links: opening one changes nothing, claiming takes the person it was made for."""

import re
from datetime import UTC, datetime, timedelta

from handoff import claim_links
from handoff.claim_links import ClaimLink
from tests.support.cast import ACME, AMIR, BO, CHEN, SENIORS
from tests.support.desk import Desk, Handoff


def _link(mail_text: str) -> str:
    found = re.search(r"/c/(\S+)", mail_text)
    assert found is not None
    return f"/c/{found.group(1)}"


async def _mailed(desk: Desk) -> tuple[Handoff, str]:
    desk.mail_matters = False
    handoff = await desk.escalate(engineer_notes="not for scanners")
    mails = await desk.expect_mails(SENIORS, handoff)
    return handoff, _link(mails[SENIORS.index(CHEN)].text)


async def test_scanners_may_open_it_as_often_as_they_like(desk: Desk) -> None:
    handoff, link = await _mailed(desk)
    stranger = desk.http()
    for method in ("GET", "HEAD", "GET"):
        for accept in ("text/html", "application/json"):
            shown = await stranger.request(method, link, headers={"Accept": accept})
            assert shown.status_code == 200
            assert "not for scanners" not in shown.text
    posted = await stranger.post(link, headers={"Accept": "application/json"})
    assert posted.status_code == 401
    form = await stranger.post(link, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (form.status_code, form.headers["Location"][:8]) == (303, "/sign-in")
    assert (await desk.see(handoff))["status"] == "open"


async def test_its_person_claims_by_it_and_nobody_else(desk: Desk) -> None:
    _, link = await _mailed(desk)
    assert (await desk.http(AMIR).post(link)).status_code == 403
    claimed = await desk.http(CHEN).post(link)
    assert (claimed.status_code, claimed.json()["claimed_by"]["name"]) == (200, "Chen")
    assert (await desk.http(CHEN).post(link)).status_code == 200


async def test_the_loser_is_told_who_has_it(desk: Desk) -> None:
    handoff, link = await _mailed(desk)
    await desk.claim(AMIR, handoff)
    lost = await desk.http(CHEN).post(link)
    assert (lost.status_code, lost.json()["claimed_by"]["name"]) == (409, "Amir")
    shown = await desk.http().get(link, headers={"Accept": "text/html"})
    assert "<bdi>Amir</bdi> has it." in shown.text


async def test_it_dies_with_the_handoff(desk: Desk) -> None:
    handoff, link = await _mailed(desk)
    await desk.command(BO, handoff, "cancel", {})
    assert (await desk.http().get(link)).status_code == 410
    assert (await desk.http(CHEN).post(link)).status_code == 409
    # A person reads it in a sentence.
    shown = await desk.http().get(link, headers={"Accept": "text/html"})
    assert shown.status_code == 200
    assert "It was cancelled" in shown.text
    late = await desk.http(CHEN).post(link, headers={"Accept": "text/html"})
    assert (late.status_code, late.headers["location"]) == (303, f"/handoffs/{handoff.id}")


async def test_a_forged_or_expired_one_is_nothing(desk: Desk) -> None:
    handoff, link = await _mailed(desk)
    own = ClaimLink(ACME, handoff.session_id, handoff.id, CHEN.id)
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = claim_links.address(own, desk.settings, until=past)
    assert expired is not None
    token = expired.rpartition("/c/")[2]
    for forged in (f"/c/{token}", link[:-2] + "xx", "/c/nonsense", f"/c/{desk.token(CHEN)}"):
        assert (await desk.http(CHEN).get(forged)).status_code == 404
        assert (await desk.http(CHEN).post(forged)).status_code == 404
