"""Letters over the wire: what the server received is what was meant, whatever people typed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.headerregistry import AddressHeader
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.email.letters import Letter, LetterKind, Thread, compose, sender_address
from activities.email.mailer import Mailer
from activities.harmless import harmless_line
from handoff.contract.words import DeliveryState
from tests.support.postbox import Mail, Postbox

A_LETTER = Letter(
    kind=LetterKind.ROUND,
    sender="Handoff <handoff@acme.test>",
    to_name="Bo",
    to_address="bo@acme.test",
    message_id="<h-1.2.bo@acme.test>",
    thread=Thread("<h-1.1.bo@acme.test>", "Router down", "Ana", "urgent"),
    date=datetime(2026, 3, 1, 3, 12, tzinfo=UTC),
    link="https://handoff.test/handoffs/h-1",
    why="You are an admin of Acme.",
    handoff_id="h-1",
    session_title="Router down",
    escalator_name="Ana",
    priority="urgent",
    round=2,
    rounds_total=5,
)
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "In-Reply-To",
    "References",
    "X-Handoff-Id",
    "X-Handoff-Round",
    "Importance",
    "X-Priority",
    "MIME-Version",
    "Content-Type",
]

TRICKS = st.sampled_from(
    [
        *("\r\n", "\r\nBcc: evil@x.test", "\r\n.\r\n", "\n.\n", "\x00", "\x85", "\u2028"),
        *("=?utf-8?q?a=0D=0ABcc:_x?=", "=?", "?=", "=\u200b?", "=\x1b[m?", "=", "?", "_"),
        *("\u202e", "\u2066", "\ufeff", "\ud800", "\x1b[31m", "\x1b]8;;x\x07"),
        *('"', "\\", "<", ">", ",", ";", ":", "(", ")", "@", " ", "  ", "\t", "{{", "{", "{%"),
        *("é", "𝒳", "word " * 20, "x" * 90, "ü" * 60),
    ]
)
HOSTILE = st.lists(TRICKS | st.text(max_size=20) | st.characters(), max_size=12).map("".join)


@pytest.fixture(scope="module")
async def postbox() -> AsyncIterator[Postbox]:
    async with Postbox() as box:
        yield box


@pytest.fixture(scope="module")
async def mailer(postbox: Postbox) -> AsyncIterator[Mailer]:
    mailer = Mailer(postbox.address, timeout=timedelta(seconds=5), connections=1)
    yield mailer
    await mailer.close()


async def posted(postbox: Postbox, mailer: Mailer, letter: Letter) -> Mail:
    async def content() -> EmailMessage:
        return compose(letter)

    outcome = await mailer.send(
        content, to=letter.to_address, envelope_from=sender_address(letter.sender)
    )
    assert outcome is not None
    assert outcome.state is DeliveryState.SENT
    return await postbox.wait_for()


def header_names(raw: bytes) -> list[str]:
    """Read from the bytes alone, by nobody's parser."""
    lines = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return [line.partition(b":")[0].decode() for line in lines if line[:1] not in (b" ", b"\t")]


def addresses(mail: Mail, name: str) -> list[tuple[str, str]]:
    header = mail.message[name]
    assert isinstance(header, AddressHeader)
    return [(squeezed(one.display_name), one.addr_spec) for one in header.addresses]


def squeezed(text: str) -> str:
    """Without spaces: Python 3.11 reads one between two encoded words of a name (RFC 2047, 6.2)."""
    return "".join(text.split())


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(title=HOSTILE, name=HOSTILE, notes=HOSTILE)
async def test_no_text_bends_a_header(
    postbox: Postbox, mailer: Mailer, title: str, name: str, notes: str
) -> None:
    letter = replace(
        A_LETTER,
        kind=LetterKind.TRANSFERRED,
        session_title=title,
        actor_name=name,
        to_name=name,
        notes=notes,
        sender="Händoff, Inc =?utf-8?q?a=0D=0AX:_x?= <handoff@acme.test>",
    )

    mail = await posted(postbox, mailer, letter)

    assert header_names(mail.raw) == HEADERS
    assert mail.subject == compose(letter)["Subject"]
    shown = harmless_line(name, limit=60).replace("<", "(").replace(">", ")")
    assert addresses(mail, "To") == [(squeezed(shown), "bo@acme.test")]
    assert [address for _, address in addresses(mail, "From")] == ["handoff@acme.test"]
    assert [part.get_content_type() for part in mail.message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


async def test_notes_with_lonely_dots_arrive_whole(postbox: Postbox, mailer: Mailer) -> None:
    mail = await posted(postbox, mailer, replace(A_LETTER, notes="one\r\n.\r\n..\r\n.three"))

    assert "  > one\n  > .\n  > ..\n  > .three\n" in mail.text.replace("\r\n", "\n")
    html = mail.html.replace("\r\n", "\n")
    assert "one<br>\n.<br>\n..<br>\n.three" in html


async def test_an_international_address_is_written_as_it_is(
    postbox: Postbox, mailer: Mailer
) -> None:
    mail = await posted(
        postbox, mailer, replace(A_LETTER, to_name="Bó", to_address="bó@bücher.test")
    )

    assert mail.recipients == ("bó@bücher.test",)
    assert "<bó@bücher.test>".encode() in mail.raw.partition(b"\r\n\r\n")[0]


async def test_the_same_letter_twice_bears_one_message_id(postbox: Postbox, mailer: Mailer) -> None:
    first, second = await asyncio.gather(
        posted(postbox, mailer, A_LETTER), posted(postbox, mailer, A_LETTER)
    )

    assert first.message_id == second.message_id == A_LETTER.message_id
