"""What letters say, and that nothing typed by a person says more than its words."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.email.letters import (
    Attached,
    BundleItem,
    Letter,
    LetterKind,
    Thread,
    compose,
    sender_address,
)
from activities.email.smtp_wire import wire_content
from activities.harmless import harmless_line, harmless_text
from handoff.errors import ConfigurationError

AT_NIGHT = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)

FIRST = Thread("<h-1.1.bo@acme.test>", "Router down", "Ana", "urgent")

A_LETTER = Letter(
    kind=LetterKind.ROUND,
    sender="Handoff <handoff@acme.test>",
    to_name="Bo",
    to_address="bo@acme.test",
    message_id="<h-1.1.bo@acme.test>",
    date=AT_NIGHT,
    link="https://handoff.test/handoffs/h-1?a=1&b=2",
    claim_link="https://handoff.test/c/token",
    why="You are an admin of Acme.",
    handoff_id="h-1",
    session_title="Router down",
    escalator_name="Ana",
    actor_name="Cy",
    round=1,
    rounds_total=5,
    notes="It began at noon.\nI restarted it twice.",
    next_action="At 03:27 everybody is called again.",
    waiting_since=AT_NIGHT - timedelta(minutes=14),
)


def composed(**changes: Any) -> EmailMessage:
    return compose(replace(A_LETTER, **changes))


def body(message: EmailMessage, subtype: str = "plain") -> str:
    part = message.get_body((subtype,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


class Seen(HTMLParser):
    """What a browser would make of a page: its elements, its links and its visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    @property
    def shown(self) -> str:
        """What a mail program shows of it beside the subject."""
        return self.text.rpartition("}")[2].strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


# Headers.


def test_the_headers_of_a_first_round() -> None:
    message = composed()

    assert message["From"] == "Handoff <handoff@acme.test>"
    assert message["To"] == "Bo <bo@acme.test>"
    assert message["Subject"] == "Ana hands off: Router down"
    assert parsedate_to_datetime(message["Date"]) == AT_NIGHT
    assert message["Message-ID"] == "<h-1.1.bo@acme.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Handoff-Id"] == "h-1"
    assert message["X-Handoff-Round"] == "1"
    assert "In-Reply-To" not in message
    assert "Importance" not in message


def test_later_messages_join_the_thread() -> None:
    message = composed(message_id="<h-1.2.bo@acme.test>", thread=FIRST)

    assert message["In-Reply-To"] == message["References"] == FIRST.id


def test_the_first_message_does_not_answer_itself() -> None:
    message = composed(thread=FIRST)

    assert "References" not in message
    assert not message["Subject"].startswith("Re:")


@pytest.mark.parametrize(
    "kind",
    sorted(
        set(LetterKind) - {LetterKind.BUNDLE, LetterKind.BARE, LetterKind.NOTICE, LetterKind.TEST}
    ),
)
def test_a_thread_has_one_subject_whatever_has_changed_since(kind: LetterKind) -> None:
    message = composed(
        kind=kind,
        message_id="<h-1.2.bo@acme.test>",
        thread=FIRST,
        session_title="Router and printer down",
        escalator_name="Ana Ott",
        priority="low",
        round=3,
    )

    assert message["Subject"] == "Re: [urgent] Ana hands off: Router down"


def test_a_long_message_id_is_never_folded_or_encoded() -> None:
    long = f"<{'a' * 60}.{'b' * 60}@acme.test>"
    wire = wire_content(composed(message_id=long, thread=FIRST._replace(id=f"<x{long[1:]}")), False)

    assert f"Message-ID: {long}\r\n".encode() in wire
    assert f"References: <x{long[1:]}\r\n".encode() in wire


@pytest.mark.parametrize("message_id", ["", "h-1", "<h-1>", "<h 1@x>", "<a@b>\r\nBcc: <c@d>"])
def test_a_malformed_message_id_is_our_mistake(message_id: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        composed(message_id=message_id)


@pytest.mark.parametrize(
    ("priority", "importance", "x_priority"),
    [("urgent", "high", "1"), ("high", "high", "2"), ("normal", None, None), ("low", None, None)],
)
def test_importance(priority: str, importance: str | None, x_priority: str | None) -> None:
    message = composed(priority=priority)

    assert (message["Importance"], message["X-Priority"]) == (importance, x_priority)
    assert "Importance" not in composed(priority=priority, kind=LetterKind.CLAIMED)


def test_the_sender_of_the_envelope() -> None:
    assert sender_address("Handoff <handoff@acme.test>") == "handoff@acme.test"
    assert sender_address("handoff@localhost") == "handoff@localhost"
    assert sender_address('"Acme, Inc" <handoff@acme.test>') == "handoff@acme.test"
    assert composed(sender="Acme, Inc <handoff@acme.test>")["From"] == (
        "Acme, Inc <handoff@acme.test>"
    )
    with pytest.raises(ConfigurationError, match="HANDOFF_SMTP_FROM"):
        sender_address("Handoff")


def test_an_unusable_address_composes_all_the_same() -> None:
    assert composed(to_address="bo@acme.test\r\nBcc: evil@x.test")["To"] == (
        "undisclosed-recipients:;"
    )


# Subjects, and what is new.


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"priority": "urgent"}, "[urgent] Ana hands off: Router down"),
        ({"priority": "high", "kind": LetterKind.CLAIMED}, "[high] Ana hands off: Router down"),
        ({"round": 2}, "Ana hands off: Router down"),
        ({"kind": LetterKind.TEST}, "Test notification"),
        ({"session_title": " \u200b "}, "Ana hands off: (no title)"),
    ],
)
def test_subjects(changes: dict[str, Any], subject: str) -> None:
    assert composed(**changes)["Subject"] == subject


@pytest.mark.parametrize(
    ("changes", "news"),
    [
        ({}, "Ana needs someone to take this over"),
        ({"round": 2}, "2nd call, round 2 of 5: nobody has taken this yet"),
        ({"round": 3}, "3rd call, round 3 of 5: nobody has taken this yet"),
        ({"round": 5}, "LAST call, round 5 of 5: nobody has taken this yet"),
        (
            {"round": 12, "rounds_total": 20},
            "12th call, round 12 of 20: nobody has taken this yet",
        ),
        ({"kind": LetterKind.CLAIMED}, "Claimed by Cy"),
        ({"kind": LetterKind.RELEASED}, "Released by Cy: it is back in the queue"),
        (
            {"kind": LetterKind.RELEASED, "actor_name": None},
            "Released by Handoff: it is back in the queue",
        ),
        ({"kind": LetterKind.RESOLVED}, "Resolved by Cy"),
        ({"kind": LetterKind.CANCELLED}, "Cancelled by Cy"),
        (
            {"kind": LetterKind.EXHAUSTED},
            "UNANSWERED after 5 rounds. It can still be claimed",
        ),
        ({"kind": LetterKind.EXPIRED}, "Expired: nobody answered"),
        ({"kind": LetterKind.TRANSFERRED}, "Cy transfers this to you"),
        ({"kind": LetterKind.REMINDER}, "Reminder: this still waits for you"),
    ],
)
def test_what_is_new_comes_first(changes: dict[str, Any], news: str) -> None:
    message = composed(**changes)

    assert body(message).startswith(f"{news}.\n")
    assert Seen(body(message, "html")).shown.startswith(news)


def test_a_subject_is_bounded() -> None:
    subject = composed(session_title="word " * 100, escalator_name="Ana " * 100)["Subject"]

    assert len(subject) <= 150
    assert subject.endswith("…")


# Bodies.


@pytest.mark.parametrize("kind", LetterKind)
def test_every_letter_says_why_and_where(kind: LetterKind) -> None:
    message = composed(kind=kind)

    for text in (body(message), Seen(body(message, "html")).text):
        assert "You are an admin of Acme." in text
        assert "At 03:27 everybody is called again." in text
    assert A_LETTER.link in body(message)
    assert A_LETTER.link in Seen(body(message, "html")).links


def test_a_round_tells_what_a_sleepy_reader_needs() -> None:
    message = composed(priority="urgent", round=2)

    for text in (body(message), Seen(body(message, "html")).text):
        for fact in ("Router down", "Ana", "urgent", "2 of 5", "14 min", "I restarted it twice."):
            assert fact in text
    claim, opens = A_LETTER.claim_link, A_LETTER.link
    assert Seen(body(message, "html")).links == [claim, opens, claim]


def test_what_was_said_is_told() -> None:
    message = composed(kind=LetterKind.RELEASED, reason="My shift ends.")

    assert "My shift ends." in body(message)
    assert "My shift ends." in Seen(body(message, "html")).text


def _item(title: str, priority: str, link: str, round: int = 1) -> BundleItem:
    since = AT_NIGHT - timedelta(minutes=14)
    return BundleItem(title, priority, link, "Ana <b>", round, 5, since)


def test_files_are_named_and_nothing_else() -> None:
    """What they are called adds no line, no link and no markup; many of them do not flood it."""
    hostile = "a\r\nBcc: x@y.test\u202egnp.<img src=x>=?utf-8?q?=0A?=https://evil.test"
    files = (Attached(hostile, 3_400_000), *(Attached(f"{n}.log", 1) for n in range(12)))
    message = composed(files=files)
    page = Seen(body(message, "html"))

    assert message["Bcc"] is None
    assert "  > 8.log (1 byte)\nand 3 more\n" in body(message)
    assert "  > a Bcc: x@y.testgnp.<img src=x>= ?utf-8?q?=0A?=https://evil.test (3.2 MiB)" in body(
        message
    )
    assert "img" not in page.elements
    assert {link.split("?")[0] for link in page.links} == {
        "https://handoff.test/handoffs/h-1",
        "https://handoff.test/c/token",
    }
    assert "3 more" in page.text


def test_several_handoffs_in_one_letter() -> None:
    message = composed(
        kind=LetterKind.BUNDLE,
        session_title="",
        claim_link=None,
        items=(
            _item("Printer </a><b>on fire", "low", "https://handoff.test/2"),
            _item("Router down", "urgent", "https://handoff.test/1", round=2),
        ),
    )

    assert message["Subject"] == "[urgent] 2 handoffs wait for you"
    assert message["X-Priority"] == "1"
    text = body(message)
    assert "- [low] Printer </a><b>on fire\n  round 1 of 5, handed off by Ana <b>, " in text
    assert "waiting since 02:58 UTC (14 min)\n  https://handoff.test/2" in text
    assert "round 2 of 5" in Seen(body(message, "html")).text
    page = Seen(body(message, "html"))
    assert page.links == ["https://handoff.test/1", "https://handoff.test/2", A_LETTER.link]
    assert "b" not in page.elements


def test_typed_text_is_inert_in_html() -> None:
    typed = "<script>alert(1)</script><img src=x onerror=y> http://evil.test \"'><a href=z>"
    message = composed(
        session_title=typed, escalator_name=typed, notes=typed, reason=typed, actor_name=typed
    )

    page = Seen(body(message, "html"))
    assert not {"script", "img"} & set(page.elements)
    claim, opens, theirs = A_LETTER.claim_link, A_LETTER.link, "http://evil.test"
    assert page.links == [claim, opens, theirs, theirs, claim]
    assert typed in page.text


def test_what_is_typed_as_markdown_reads_as_on_the_page() -> None:
    typed = "See **this**: [the runbook](https://evil.test/x)\n\n```console\n$ ipsec up\n```"
    message = composed(notes=typed)

    page = Seen(body(message, "html"))
    assert "the runbook (evil.test)" in page.text
    assert {"strong", "pre", "code"} <= set(page.elements)
    assert 'class="c-' not in body(message, "html")
    assert "  > See **this**: [the runbook](https://evil.test/x)\n" in body(message)


@pytest.mark.parametrize("typed", ["{{ 7*7 }}", "{% raw %}", "{title}", "{0}", "{#", "%s", "{"])
def test_template_syntax_is_inert(typed: str) -> None:
    message = composed(session_title=typed, notes=typed, escalator_name=typed, reason=typed)

    assert message["Subject"] == f"{typed} hands off: {typed}"
    assert f"  > {typed}\n" in body(message)
    assert typed in Seen(body(message, "html")).text


def test_line_breaks_and_lonely_dots_survive() -> None:
    message = composed(notes="one\r\n.\r\n\r\n..two\nFrom me\r\x85three\u2028four\t|")

    quoted = "\n".join(
        f"  > {line}" for line in ["one", ".", "", "..two", "From me", "", "three", "four\t|"]
    )
    assert quoted in body(message)
    shown = Seen(body(message, "html")).text
    for line in ("one", ".", "..two", "From me", "three", "four"):
        assert f"\n{line}" in shown.replace("one", "\none", 1), line


def test_terminal_and_direction_tricks_are_removed() -> None:
    hidden = "\x1b[31mred\x1b[0m \x1b]8;;http://evil.test\x07link\x1b]8;;\x07 \x9b1mbold"
    turned = "a\u202eb\u2066c\x00d\x08e\u200bf\ud800g"
    message = composed(notes=f"{hidden}\n{turned}", session_title=f"{hidden} {turned}")

    assert message["Subject"] == "Ana hands off: red link bold abcdefg"
    assert "  > red link bold\n  > abcdefg\n" in body(message)
    assert "evil" not in body(message)


def test_notes_are_bounded() -> None:
    text = body(composed(notes="ü" * 80_000))

    assert text.count("ü") == 32_768
    assert "[cut here]" in text


def test_typed_lines_cannot_pass_for_ours() -> None:
    text = body(composed(notes="Claim it:\nhttps://evil.test", session_title="x\nClaim it:"))

    # Ours: before the notes, and after them.
    assert text.count(f"\nClaim it:\n{A_LETTER.claim_link}\n") == 2
    assert text.count("\nClaim it:\n") == 2
    assert "\nhttps://evil.test" not in text


# Properties.

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


@given(HOSTILE)
def test_a_harmless_line_is_one_line_without_tricks(text: str) -> None:
    line = harmless_line(text, limit=60)

    assert len(line) <= 60
    assert len(line.splitlines()) <= 1
    assert "=?" not in line
    assert not {unicodedata.category(one) for one in line} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(one) for one in line} & {"RLO", "LRO", "RLE", "LRE"}
    assert harmless_line(line, limit=60) == line


@given(HOSTILE)
def test_harmless_text_keeps_lines_and_nothing_else_that_controls(text: str) -> None:
    clean = harmless_text(text, limit=1000)

    assert {one for one in clean if unicodedata.category(one) == "Cc"} <= {"\n", "\t"}
    assert len(clean.encode()) <= 1000 + len("\n[cut here]")


@given(HOSTILE, HOSTILE, HOSTILE)
def test_anything_typed_can_be_composed_and_written(title: str, name: str, notes: str) -> None:
    for kind in (LetterKind.ROUND, LetterKind.RELEASED):
        message = composed(
            kind=kind,
            session_title=title,
            escalator_name=name,
            actor_name=name,
            to_name=name,
            notes=notes,
            reason=notes,
            why=title,
        )
        wire = wire_content(message, False)

        assert wire.isascii()
        assert max(map(len, wire.split(b"\r\n"))) <= 998
        assert b"\r\n.\r\n" not in wire[:-3]


def test_times_are_the_readers_own_with_their_date_unless_it_is_today() -> None:
    letter = {"zone": ZoneInfo("Europe/Berlin"), "waiting_since": AT_NIGHT - timedelta(hours=5)}

    assert "Waiting since: 28 Feb, 23:12 CET (5 h)" in body(composed(**letter))
    late = composed(zone=ZoneInfo("America/Sao_Paulo"))
    assert "Waiting since: 28 Feb, 23:58 UTC-03 (14 min)" in body(late)


def test_joined_emoji_stay_joined_in_a_subject() -> None:
    family, lone = "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥", "cl\u200daim"
    message = composed(session_title=f"{family} {lone}")

    assert message["Subject"] == f"Ana hands off: {family} claim"
