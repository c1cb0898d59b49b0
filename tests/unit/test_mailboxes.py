"""One idea of an address and of a name, whoever brings them."""

import pytest

from handoff.mailboxes import in_ascii, is_mailbox, mailbox, same_as
from handoff.names import one_line

ONE_MAILBOX = [
    "jörg@bücher.test",
    "jo\u0308rg@bu\u0308cher.test",
    "Jörg@BÜCHER.test",
    "jörg@xn--bcher-kva.test",
    "jörg@XN--BCHER-KVA.test",
    " jörg@bücher.test ",
]


@pytest.mark.parametrize("spelled", ONE_MAILBOX)
def test_one_mailbox_however_it_is_spelled(spelled: str) -> None:
    assert mailbox(spelled) == "jörg@bücher.test"
    assert same_as(spelled) == "jörg@bücher.test"


@pytest.mark.parametrize("kept", ["Bo@Acme.test", "bo@localhost", "bo+x@a_b.test", '"b o"@a.test'])
def test_what_is_ascii_stays_as_it_was_written(kept: str) -> None:
    assert mailbox(kept) == kept
    assert in_ascii(kept) == kept


@pytest.mark.parametrize(
    "none",
    [
        "",
        "bo",
        "@a.test",
        "bo@",
        "bo@@a.test",
        "a b@a.test",
        "bo@a..test",
        "bo@-a.test",
        "bo@bü..test",
        "bo@xn--a.test",
        "bo@ü" + "x" * 70 + ".test",
        "bo@a.test\r\nBcc: x@y.test",
        "b\u202eo@a.test",
        "b\x00o@a.test",
        "x" * 65 + "@a.test",
        "Bo <bo@a.test>",
    ],
)
def test_what_no_mail_can_be_sent_to(none: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        mailbox(none)


@pytest.mark.parametrize("taken", ONE_MAILBOX)
def test_what_is_kept_can_be_mailed(taken: str) -> None:
    kept = mailbox(taken)
    assert is_mailbox(kept)
    assert is_mailbox(in_ascii(kept))
    assert in_ascii(kept).rpartition("@")[2].isascii()


@pytest.mark.parametrize(
    "name",
    [
        "Bo",
        "山田　太郎",
        "Zoë\u00a0D.",
        "نام\u200cخانوادگی",
        "क्\u200dष",
        "Ada 👩\u200d💻",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "Nguyễn Văn A",
        "O'Neil, Jr.",
        "☃\ufe0f",
    ],
)
def test_names_as_people_have_them(name: str) -> None:
    assert one_line(name) == name


@pytest.mark.parametrize(
    "none",
    [
        *("", " ", "\u3000", "\u00a0\u200d"),
        *(
            f"a{between}b"
            for between in "\n\r\t\x00\x85\x1b\u2028\u202e\u2066\u200b\ufeff\u00ad\ud800"
        ),
    ],
)
def test_names_that_are_none(none: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        one_line(none)


def test_two_spellings_of_a_name_are_one() -> None:
    assert one_line("Zoe\u0308") == "Zoë"
