"""What strangers type, all the way through the running service: kept as they typed it in JSON and
over the stream, harmless in mail and in logs, and never a failure of ours."""

import json
import re
from email import message_from_bytes, policy
from typing import Any

import pytest

from handoff.database.directory.importing import AccountEntry, Directory, UserEntry, bring_in
from tests.support.cast import ACME, AMIR, BO, CHEN, OLIVE, SENIORS, Member
from tests.support.desk import Desk, Handoff
from tests.support.postbox import Mail

ENCODED_WORD = "=?utf-8?q?a=0D=0ABcc:_evil@x.test=0D=0A?="
HOSTILE = {
    "an encoded word": ENCODED_WORD,
    "line breaks": "a\r\nBcc: evil@x.test\r\n\r\n<b>body</b>\n.\nQUIT",
    "lone returns": "a\rBcc: evil@x.test\r\rb\x0b\x0c\x1c\x85\u2028\u2029c",
    "dots": ".\r\n.\r\n..\r\nDATA\r\n.",
    "both ways": "invoice\u202egnp.exe\u2066 \u200f\u061cx",
    "a terminal's language": "\x1b[2J\x1b]0;owned\x07\x9b31m\x1b]8;;http://x\x07link\x08\x7f",
    "a script": "<script>alert(1)</script>'\"><img src=x onerror=alert(1)></title></textarea>",
    "a template": "{{1234*4321}}{% include 'x' %}${1234*4321}#{1234*4321}{0.__class__}%s%n",
    "a line of a log": '"}\n{"event": "forged", "level": "critical"}',
    "a frame of a stream": "x\n\nid: 999999\nevent: claimed\ndata: {}\n\n",
    "a statement": "'; DROP TABLE handoffs; --\\",
    "emoji and marks": "👩‍🚒🏽 e\u0301\u0301\u0301\u0301 \U000e0041 \ufeff",
}
ALLOWED_HEADERS = re.compile(
    r"(?i)(from|to|subject|date|message-id|in-reply-to|references|reply-to|mime-version|auto-"
    r"submitted|precedence|content-[a-z-]+|x-handoff-[a-z-]+|x-auto-response-suppress|list-[a-z-]+"
    r"|x-priority|importance|feedback-id)$"
)
TRICKS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def check(mail: Mail, to: Member) -> None:
    """One message to one person, with our headers and nobody else's."""
    assert mail.recipients == (to.email,)
    head, _, _ = mail.raw.partition(b"\r\n\r\n")
    assert head.isascii()
    for line in head.split(b"\r\n"):
        assert b"\r" not in line
        assert b"\n" not in line
        name, colon, _ = line.partition(b":")
        assert line[:1] in (b" ", b"\t") or (colon and ALLOWED_HEADERS.match(name.decode())), line
    message = message_from_bytes(mail.raw, policy=policy.SMTP)
    assert not re.search("[\r\n]", str(message["subject"]))
    for part in message.walk():
        if not part.is_multipart():
            text = part.get_content()
            assert not TRICKS.search(text.replace("\r\n", "\n")), part.get_content_type()
            if part.get_content_type() == "text/html":
                assert not re.search(r"<script|<img|onerror=(?!alert\(1\)&gt;)", text)
            assert "5332114" not in text


async def rename(desk: Desk, who: Member, name: str) -> None:
    """As an import from somebody's directory would."""
    user = UserEntry.model_construct(
        id=who.id, email=who.email, name=name, role=who.role, team_id=who.team_id
    )
    account = AccountEntry.model_construct(id=ACME, name=name, teams=[], users=[user])
    await bring_in(desk.database, Directory.model_construct(accounts=[account]))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_it_goes_through_as_it_is_and_does_nothing(desk: Desk, text: str) -> None:
    await rename(desk, BO, text[:200])
    async with desk.listen(AMIR) as amir:
        handoff = await desk.escalate(
            title=text[:200], engineer_notes=text, context={text: [text, {text: text}]}
        )
        heard = await amir.hear("created")
        assert heard.data["data"]["session_title"] == text[:200]
        assert heard.data["data"]["engineer_notes"] == text
        await amir.hear("notified")
        seen = await desk.see(handoff)
        assert seen["engineer_notes"] == text
        assert seen["context"] == {text: [text, {text: text}]}
        assert seen["escalator"]["name"] == text[:200]
        for member in SENIORS:
            check(await desk.expect_mail(member, handoff), member)
        await act(desk, handoff, text)
        assert amir.numbers == sorted(amir.numbers)
    assert [row["id"] for row in await desk.queue(AMIR)] == []


async def act(desk: Desk, handoff: Handoff, text: str) -> None:
    """Each command that takes text, and the mail that it makes."""
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        check(await desk.expect_mail(member, handoff), member)
    released = await desk.command(AMIR, handoff, "release", {"reason": text})
    assert released.status_code == 200
    for member in (BO, CHEN, OLIVE):
        check(await desk.expect_mail(member, handoff, says="Released by"), member)
    for member in SENIORS:
        check(await desk.expect_mail(member, handoff, subject="hands off"), member)
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    resolved = await desk.command(CHEN, handoff, "resolve", {"outcome": "fixed", "note": text})
    assert resolved.status_code == 200
    desk.mail_matters = False
    events = (await desk.http(BO).get(f"{handoff.path}/events")).json()
    for kind in ("released", "resolved"):
        [event] = [one for one in events if one["type"] == f"handoff.{kind}"]
        assert text in leaves(event["data"]["details"])


def leaves(value: Any) -> list[Any]:
    """Everything that stands in a JSON value."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return [leaf for item in items for leaf in leaves(item)]
    return [value]


FIELDS: list[tuple[str, Any]] = [
    ("", {"title": "@"}),
    ("", {"title": "x", "context": {"@": 1}}),
    ("", {"title": "x", "context": {"a": ["@"]}}),
    ("handoff", {"intent": "escalate", "engineer_notes": "@"}),
    ("handoff", {"intent": "escalate", "context": {"a": {"b@": "c"}}}),
    ("handoff", {"intent": "@"}),
    ("handoff", {"@": 1}),
    ("claim", {"@": "@"}),
    ("release", {"reason": "@"}),
    ("cancel", {"reason": "@"}),
    ("resolve", {"outcome": "fixed", "note": "@"}),
    ("resolve", {"outcome": "@"}),
    ("snooze", {"until": "@"}),
    ("transfer", {"to": "@"}),
    ("transfer", {"to": str(CHEN.id), "text": "@"}),
    ("call", {"to": str(CHEN.id), "text": "@"}),
    ("escalate-now", {"round": "@"}),
]
UNSTORABLE = [rb"\u0000", rb"\ud800", rb"\udc00\ud800", b"\xed\xa0\x80", b"\xff", b"\x00", b"\x1b"]


@pytest.mark.parametrize(("place", "body"), FIELDS, ids=lambda value: str(value))
async def test_what_cannot_be_stored_is_refused(desk: Desk, place: str, body: Any) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff)
    session = f"/ai-sessions/{handoff.session_id}"
    paths = {"": "/ai-sessions", "handoff": f"{session}/handoff"}
    path = paths.get(place, f"{handoff.path}/{place}")
    for bad in (*UNSTORABLE, b"A" * 2**20):
        raw = json.dumps(body).encode().replace(b"@", bad)
        answer = await desk.http(BO).post(
            path, content=raw, headers={"Content-Type": "application/json"}
        )
        assert 400 <= answer.status_code < 500, (raw[:80], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        json.loads(answer.content.decode())
    assert (await desk.see(handoff))["status"] == "open"


async def test_hostile_headers_and_addresses_are_refused_or_harmless(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff)
    http = desk.http(BO)
    for bad in (b"\xff\xfe", b"%00", b"\x1b[2J", b"a" * 300, b"=?utf-8?q?x?=", b"'\"><script>"):
        for name in (b"Idempotency-Key", b"Last-Event-ID", b"If-Match", b"Origin", b"Accept"):
            answer = await http.post(
                f"{handoff.path}/claim", headers=[(name, bad), (b"Cookie", b"handoff=" + bad)]
            )
            assert answer.status_code < 500, (name, bad)
            assert b"<script>" not in answer.content
    for path in ("/ai-sessions/%00", "/ai-sessions/queue?cursor=%00", "/%1b%5b2J", "/c/%00%ff"):
        answer = await http.get(path)
        assert 400 <= answer.status_code < 500, path


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "\x1b[2J", "\u202egnp", " ", "a\ud800"])
def test_an_import_refuses_names_that_cannot_be_read(name: str) -> None:
    with pytest.raises(ValueError, match=r"one line|surrogate|unicode"):
        AccountEntry(id=ACME, name=name)


async def test_a_stranger_learns_nothing_from_a_refusal(desk: Desk) -> None:
    answer = await desk.http().post("/ai-sessions/x/handoffs/y/claim", content=b"{" * 1000)
    assert answer.status_code in (401, 422)
    assert "Traceback" not in answer.text
