"""Records histories of today's workflow for the replay test, when asked to: `make histories`."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.support.cast import AMIR, BO, SENIORS
from tests.support.desk import Desk, Handoff

HISTORIES = Path(__file__).parent / "histories"
GENERATION = os.environ.get("RECORD_HISTORIES", "")

pytestmark = pytest.mark.skipif(not GENERATION, reason="RECORD_HISTORIES names no generation")


async def _record(desk: Desk, handoff: Handoff, name: str) -> None:
    history = await desk.workflow(handoff).fetch_history()
    events = re.sub(r'"identity": "[^"]*"', '"identity": "worker"', history.to_json())
    text = json.dumps(json.loads(events), indent=1, sort_keys=True)
    (HISTORIES / f"{GENERATION}-{name}.json").write_text(text + "\n")


async def test_claimed_and_resolved(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.command(BO, handoff, "escalate-now", {"round": 1})
    await desk.expect_mails(SENIORS, handoff, round=2)
    await desk.claim(AMIR, handoff)
    await desk.command(AMIR, handoff, "release", {})
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.claim(AMIR, handoff)
    await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    await desk.workflow(handoff).result()
    await _record(desk, handoff, "claimed-and-resolved")
    desk.mail_matters = False


@pytest.mark.skipping_time
async def test_unanswered(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, status="expired", within=40)
    await desk.workflow(handoff).result()
    await _record(desk, handoff, "unanswered")
    desk.mail_matters = False


async def test_parked_and_cancelled(desk: Desk) -> None:
    handoff = await desk.park()
    await desk.command(BO, handoff, "cancel")
    await desk.workflow(handoff).result()
    await _record(desk, handoff, "parked-and-cancelled")


@pytest.mark.desk(smtp_retry_initial="200ms")
async def test_still_open_with_a_mail_retried(desk: Desk) -> None:
    desk.postbox.refuse_recipient(451, AMIR.email)
    handoff = await desk.escalate()
    await desk.expect_mail(SENIORS[1], handoff)
    await _record(desk, handoff, "still-open")
    desk.mail_matters = False
