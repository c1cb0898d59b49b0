"""`/metrics`: the desk in numbers, and nobody's id or text."""

from tests.support.cast import AMIR, BO, SENIORS
from tests.support.desk import Desk


async def test_the_desk_in_numbers(desk: Desk) -> None:
    handoff = await desk.escalate(priority="urgent", engineer_notes="secret notes")
    await desk.expect_mails(SENIORS, handoff)
    await desk.park()
    async with desk.listen(AMIR):
        text = (await desk.http().get("/metrics")).text
    assert 'handoff_handoffs{priority="urgent",status="open"} 1.0' in text
    assert 'handoff_handoffs{priority="normal",status="parked"} 1.0' in text
    assert "handoff_streams_open 1.0" in text
    assert "handoff_handoffs_unanswered 0.0" in text
    route = "/ai-sessions/{session_id}/handoff"
    assert f'handoff_http_requests_total{{method="POST",route="{route}",status="201"}} 2.0' in text
    for private in (str(handoff.id), str(BO.id), "secret notes", BO.email):
        assert private not in text
