"""What the mailer says became of a message, against a real server that behaves or does not."""

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage

import pytest
import trustme

from activities.email.mailer import Mailer
from activities.sender import SendOutcome
from handoff.addresses import SmtpAddress
from handoff.contract.words import DeliveryState
from handoff.rules.causes import SYSTEM_FAULTS, Cause
from tests.support.postbox import Postbox

SENT = DeliveryState.SENT
RETRYING = DeliveryState.RETRYING
FAILED = DeliveryState.FAILED
AMBIGUOUS = DeliveryState.AMBIGUOUS

SOON = timedelta(milliseconds=300)
"""Long enough for a loopback answer, short enough to wait for one that never comes."""


@pytest.fixture
async def postbox() -> AsyncIterator[Postbox]:
    async with Postbox() as box:
        yield box


@pytest.fixture
async def mailer(postbox: Postbox) -> AsyncIterator[Mailer]:
    mailer = mailer_for(postbox)
    yield mailer
    await mailer.close()


def mailer_for(
    postbox: Postbox,
    *,
    timeout: timedelta = timedelta(seconds=5),
    connections: int = 2,
    tls_context: ssl.SSLContext | None = None,
) -> Mailer:
    return Mailer(
        postbox.address, timeout=timeout, connections=connections, tls_context=tls_context
    )


def a_message(body: str = "hello\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Handoff <handoff@acme.test>"
    message["Subject"] = "A test"
    message.set_content(body)
    return message


async def hello() -> EmailMessage:
    return a_message()


async def send(
    mailer: Mailer, to: str = "bo@acme.test", *, message: EmailMessage | None = None
) -> SendOutcome | None:
    async def content() -> EmailMessage:
        return message or a_message()

    return await mailer.send(content, to=to, envelope_from="handoff@acme.test")


async def outcome_of(mailer: Mailer, to: str = "bo@acme.test") -> tuple[str, int | None, str]:
    outcome = await send(mailer, to)
    assert outcome is not None
    return outcome.state, outcome.code, outcome.cause


# What goes well.


async def test_a_message_arrives_whole(postbox: Postbox, mailer: Mailer) -> None:
    body = ".\n..\n.hidden\nfin\n.\n"

    outcome = await send(mailer, message=a_message(body))

    assert outcome == SendOutcome(SENT, 250, Cause.ACCEPTED)
    assert outcome.cause not in SYSTEM_FAULTS
    mail = await postbox.wait_for()
    assert (mail.sender, mail.recipients) == ("handoff@acme.test", ("bo@acme.test",))
    assert mail.text.replace("\r\n", "\n") == body


async def test_a_connection_is_used_again(postbox: Postbox, mailer: Mailer) -> None:
    for _ in range(5):
        assert await outcome_of(mailer) == (SENT, 250, "accepted")

    assert postbox.connections_made == 1
    assert "RSET" not in postbox.commands


async def test_many_messages_share_few_connections(postbox: Postbox, mailer: Mailer) -> None:
    addresses = [f"person{number}@acme.test" for number in range(50)]

    outcomes = await asyncio.gather(*(outcome_of(mailer, address) for address in addresses))

    assert set(outcomes) == {(SENT, 250, "accepted")}
    assert sorted(mail.to for mail in postbox.mails) == sorted(addresses)
    assert postbox.connections_at_once == 2
    assert postbox.connections_made == 2


async def test_who_asks_first_is_served_first(postbox: Postbox) -> None:
    mailer = mailer_for(postbox, connections=1)
    addresses = [f"person{number}@acme.test" for number in range(8)]

    await asyncio.gather(*(send(mailer, address) for address in addresses))

    assert [mail.to for mail in postbox.mails] == addresses
    await mailer.close()


# What is decided at the last moment.


async def test_nothing_leaves_when_the_last_look_says_no(postbox: Postbox, mailer: Mailer) -> None:
    async def stop() -> None:
        assert postbox.commands[-2:] == ["MAIL", "RCPT"]

    left = await mailer.send(stop, to="bo@acme.test", envelope_from="handoff@acme.test")

    assert left is None
    assert postbox.commands[-1] == "RSET"
    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    assert len(postbox.mails) == 1
    assert postbox.connections_made == 1


@pytest.mark.parametrize(
    "fault", [RuntimeError("the database is gone"), TimeoutError("it is slow")]
)
async def test_the_last_looks_own_fault_is_the_callers(
    postbox: Postbox, mailer: Mailer, fault: Exception
) -> None:
    async def fail() -> EmailMessage:
        raise fault

    with pytest.raises(type(fault), match=str(fault)):
        await mailer.send(fail, to="bo@acme.test", envelope_from="handoff@acme.test")

    assert not postbox.mails
    assert await outcome_of(mailer) == (SENT, 250, "accepted")


# What the server says no to.


@pytest.mark.parametrize(
    ("code", "state", "cause"),
    [
        (550, FAILED, "recipient_refused"),
        (551, FAILED, "recipient_refused"),
        (552, FAILED, "recipient_refused"),
        (553, FAILED, "recipient_refused"),
        (450, RETRYING, "mailbox_busy"),
        (451, RETRYING, "server_busy"),
        (452, RETRYING, "mailbox_busy"),
        (421, RETRYING, "server_busy"),
        (530, RETRYING, "auth"),
    ],
)
async def test_a_refused_recipient(
    postbox: Postbox, mailer: Mailer, code: int, state: DeliveryState, cause: str
) -> None:
    postbox.refuse_recipient(code, "gone@acme.test")

    outcomes = await asyncio.gather(
        outcome_of(mailer, "gone@acme.test"),
        outcome_of(mailer, "bo@acme.test"),
        outcome_of(mailer, "cy@acme.test"),
    )

    assert list(outcomes) == [(state, code, cause)] + [(SENT, 250, "accepted")] * 2
    assert {mail.to for mail in postbox.mails} == {"bo@acme.test", "cy@acme.test"}


@pytest.mark.parametrize(
    ("code", "text", "state", "cause"),
    [
        (550, "5.7.1 Relaying denied", RETRYING, "refused_by_policy"),
        (554, "5.7.1 <bo@acme.test>: Relay access denied", RETRYING, "refused_by_policy"),
        (550, "relay not permitted", RETRYING, "refused_by_policy"),
        (550, "5.7.606 Access denied, banned sending IP", RETRYING, "refused_by_policy"),
        (550, "5.1.1 User unknown", FAILED, "recipient_refused"),
        (550, "5.1.1 no 5.7.1 here", FAILED, "recipient_refused"),
        (552, "5.2.2 Mailbox full", FAILED, "recipient_refused"),
    ],
)
async def test_a_refusal_by_the_servers_own_rule_is_a_system_fault(
    postbox: Postbox, mailer: Mailer, code: int, text: str, state: DeliveryState, cause: str
) -> None:
    postbox.refuse_recipient(code, text=text)

    outcome = await send(mailer)

    assert outcome == SendOutcome(state, code, Cause(cause))
    assert (outcome.cause in SYSTEM_FAULTS) is (state is RETRYING)


async def test_a_refusal_leaves_the_connection_usable(postbox: Postbox, mailer: Mailer) -> None:
    postbox.refuse_recipient(550, times=1)

    assert await outcome_of(mailer) == (FAILED, 550, "recipient_refused")
    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    assert postbox.connections_made == 1


@pytest.mark.parametrize("code", [550, 553, 554])
async def test_a_refused_sender_is_a_system_fault(
    postbox: Postbox, mailer: Mailer, code: int
) -> None:
    postbox.refuse_sender(code)

    outcome = await send(mailer)

    assert outcome == SendOutcome(RETRYING, code, Cause.SENDER_REFUSED)
    assert outcome.cause in SYSTEM_FAULTS


@pytest.mark.parametrize(
    ("code", "state", "cause"),
    [
        (554, FAILED, "content_refused"),
        (552, FAILED, "content_refused"),
        (451, RETRYING, "server_busy"),
        (452, RETRYING, "server_busy"),
        (421, RETRYING, "server_busy"),
    ],
)
@pytest.mark.parametrize("before_content", [True, False])
async def test_refused_content(
    postbox: Postbox,
    mailer: Mailer,
    code: int,
    state: DeliveryState,
    cause: str,
    before_content: bool,
) -> None:
    refuse = postbox.answer_data if before_content else postbox.answer_content
    refuse(code, times=1)

    assert await outcome_of(mailer) == (state, code, cause)
    assert not postbox.mails
    assert await outcome_of(mailer) == (SENT, 250, "accepted")


@pytest.mark.parametrize(
    ("code", "cause", "system_fault"), [(554, "connection", True), (421, "server_busy", False)]
)
async def test_an_unfriendly_greeting(
    postbox: Postbox, mailer: Mailer, code: int, cause: str, system_fault: bool
) -> None:
    postbox.greet_with(code, times=1)

    outcome = await send(mailer)

    assert outcome == SendOutcome(RETRYING, code, Cause(cause))
    assert (outcome.cause in SYSTEM_FAULTS) is system_fault
    assert await outcome_of(mailer) == (SENT, 250, "accepted")


@pytest.mark.parametrize("stage", ["greeting", "ehlo", "mail", "rcpt", "data"])
async def test_gibberish_before_the_content(postbox: Postbox, mailer: Mailer, stage: str) -> None:
    postbox.garble(stage, times=1)

    assert await outcome_of(mailer) == (RETRYING, None, "connection")
    assert await outcome_of(mailer) == (SENT, 250, "accepted")


# What breaks.


@pytest.mark.parametrize("stage", ["greeting", "ehlo", "mail", "rcpt", "data"])
async def test_a_line_broken_before_the_content(
    postbox: Postbox, mailer: Mailer, stage: str
) -> None:
    postbox.drop_at(stage, times=1)

    outcome = await send(mailer)

    assert outcome is not None
    assert (outcome.state, outcome.cause) == (RETRYING, "connection")
    assert outcome.cause in SYSTEM_FAULTS
    assert await outcome_of(mailer) == (SENT, 250, "accepted")


async def test_a_line_broken_after_the_content_is_ambiguous(
    postbox: Postbox, mailer: Mailer
) -> None:
    postbox.drop_after_content(times=1)

    assert await outcome_of(mailer) == (AMBIGUOUS, None, "connection")
    assert len(postbox.taken_unanswered) == 1
    assert await outcome_of(mailer) == (SENT, 250, "accepted")


async def test_gibberish_after_the_content_is_ambiguous(postbox: Postbox, mailer: Mailer) -> None:
    postbox.garble("content", times=1)

    assert await outcome_of(mailer) == (AMBIGUOUS, None, "connection")


async def test_an_answer_that_comes_too_late_is_ambiguous(postbox: Postbox) -> None:
    mailer = mailer_for(postbox, timeout=SOON, connections=1)
    late = postbox.never_answer_content(times=1)

    assert await outcome_of(mailer) == (AMBIGUOUS, None, "timeout")

    late.end()
    # The late 250 belongs to the old message and must not answer for the next one.
    postbox.refuse_recipient(550)
    assert await outcome_of(mailer) == (FAILED, 550, "recipient_refused")
    await mailer.close()


@pytest.mark.parametrize(
    ("stage", "cause"),
    [
        ("greeting", Cause.CONNECT_TIMEOUT),
        ("ehlo", Cause.CONNECT_TIMEOUT),
        ("mail", Cause.TIMEOUT),
        ("rcpt", Cause.TIMEOUT),
        ("data", Cause.TIMEOUT),
    ],
)
async def test_a_slow_server_is_given_up(postbox: Postbox, stage: str, cause: Cause) -> None:
    mailer = mailer_for(postbox, timeout=SOON)
    postbox.tarpit(stage=stage, times=1)

    outcome = await send(mailer)

    assert outcome == SendOutcome(RETRYING, None, cause)
    await mailer.close()


async def test_the_whole_attempt_is_bounded(postbox: Postbox) -> None:
    mailer = mailer_for(postbox, timeout=SOON, connections=1)
    asked = asyncio.Event()

    async def never() -> EmailMessage:
        asked.set()
        await asyncio.Event().wait()
        return a_message()

    async def hold_the_only_connection() -> SendOutcome | None:
        return await mailer.send(never, to="bo@acme.test", envelope_from="handoff@acme.test")

    holder = asyncio.create_task(hold_the_only_connection())
    await asked.wait()

    assert await holder == SendOutcome(RETRYING, None, Cause.TIMEOUT)
    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    await mailer.close()


async def test_a_server_that_is_not_there(postbox: Postbox, mailer: Mailer) -> None:
    await postbox.go_down()

    outcome = await send(mailer)

    assert outcome == SendOutcome(RETRYING, None, Cause.CONNECTION)
    assert outcome.cause in SYSTEM_FAULTS


async def test_a_server_that_restarts_between_messages(postbox: Postbox, mailer: Mailer) -> None:
    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    await postbox.go_down()
    await postbox.come_back()

    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    assert len(postbox.mails) == 2


async def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    mailer = Mailer(
        SmtpAddress("smtp://mail.invalid:25?tls=none"),
        timeout=timedelta(seconds=5),
        connections=1,
    )

    outcome = await send(mailer)

    assert outcome == SendOutcome(RETRYING, None, Cause.DNS)
    assert outcome.cause in SYSTEM_FAULTS


# Connections that were kept.


async def test_an_idle_connection_that_the_server_closed(postbox: Postbox, mailer: Mailer) -> None:
    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    assert await postbox.close_idle() == 1

    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    assert postbox.connections_made == 2


@pytest.mark.parametrize("farewell", ["drop", "421"])
async def test_an_idle_connection_that_ends_at_the_next_message(
    postbox: Postbox, mailer: Mailer, farewell: str
) -> None:
    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    if farewell == "drop":
        postbox.drop_at("mail", times=1)
    else:
        postbox.refuse_sender(421, times=1)

    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    assert len(postbox.mails) == 2
    assert postbox.connections_made == 2


async def test_that_second_try_is_the_last(postbox: Postbox, mailer: Mailer) -> None:
    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    postbox.drop_at("mail")

    assert await outcome_of(mailer) == (RETRYING, None, "connection")
    assert postbox.connections_made == 2


async def test_unused_connections_are_closed(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.email.mailer.IDLE", 0.05)
    mailer = mailer_for(postbox)

    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    await postbox.all_gone()

    assert postbox.commands[-1] == "QUIT"
    await mailer.close()


async def test_closing_takes_leave(postbox: Postbox) -> None:
    mailer = mailer_for(postbox)
    await outcome_of(mailer)

    await mailer.close()
    await postbox.all_gone()

    assert postbox.commands[-1] == "QUIT"


# Cancellation.


@pytest.mark.parametrize("stage", ["greeting", "mail", "rcpt", "data", "content"])
async def test_cancelling_in_a_tarpit_frees_the_pool(postbox: Postbox, stage: str) -> None:
    mailer = mailer_for(postbox, timeout=timedelta(seconds=30), connections=1)
    tarpit = postbox.tarpit(stage=stage, times=1)
    stuck = asyncio.create_task(send(mailer))
    await tarpit.met.wait()

    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck

    assert await outcome_of(mailer, "cy@acme.test") == (SENT, 250, "accepted")
    assert postbox.connections_made == 2
    await mailer.close()


async def test_cancelling_one_who_waits_costs_nobody_a_place(postbox: Postbox) -> None:
    mailer = mailer_for(postbox, timeout=timedelta(seconds=30), connections=1)
    tarpit = postbox.tarpit(stage="rcpt", times=1)
    first = asyncio.create_task(send(mailer, "a@acme.test"))
    await tarpit.met.wait()
    second = asyncio.create_task(send(mailer, "b@acme.test"))
    third = asyncio.create_task(send(mailer, "c@acme.test"))
    await asyncio.sleep(0)

    second.cancel()
    tarpit.end()

    assert await first == await third == SendOutcome(SENT, 250, Cause.ACCEPTED)
    await asyncio.gather(second, return_exceptions=True)
    assert second.cancelled()
    assert [mail.to for mail in postbox.mails] == ["a@acme.test", "c@acme.test"]
    await mailer.close()


# Addresses.


@pytest.mark.parametrize(
    "address",
    [
        "",
        "bo",
        "@acme.test",
        "bo@",
        "bo@@acme.test",
        "bo acme@acme.test",
        "Bo <bo@acme.test>",
        "bo@acme.test,cy@acme.test",
        "bo@acme.test\r\nRCPT TO:<evil@x.test>",
        "bo@acme.test> NOTIFY=NEVER",
        "bo@acme..test",
        ".bo@acme.test",
        "bo@-acme.test",
        "b\u202eo@acme.test",
        "b\ud800o@acme.test",
        "bo\x00@acme.test",
        f"{'b' * 65}@acme.test",
        f"bo@{'a.' * 130}test",
    ],
)
async def test_a_malformed_address_is_never_tried(
    postbox: Postbox, mailer: Mailer, address: str
) -> None:
    assert await outcome_of(mailer, address) == (FAILED, None, "invalid_address")
    assert postbox.connections_made == 0


@pytest.mark.parametrize(
    "address",
    [
        "bo@acme.test",
        "bo+tag@acme.test",
        "o'neil@acme.test",
        "b.o@sub.acme.test",
        '"b o"@acme.test',
        "bo@localhost",
        "bo@[127.0.0.1]",
        "bó@acme.test",
        "bo@bücher.test",
    ],
)
async def test_unusual_addresses_are_served(postbox: Postbox, mailer: Mailer, address: str) -> None:
    assert await outcome_of(mailer, address) == (SENT, 250, "accepted")
    assert postbox.mails[0].to == address


async def test_an_international_address_needs_the_servers_word() -> None:
    async with Postbox(smtputf8=False) as postbox:
        mailer = mailer_for(postbox)

        assert await outcome_of(mailer, "bó@acme.test") == (FAILED, None, "invalid_address")
        assert await outcome_of(mailer, "bo@acme.test") == (SENT, 250, "accepted")
        assert postbox.connections_made == 1
        await mailer.close()


@pytest.mark.parametrize("smtputf8", [True, False])
@pytest.mark.parametrize(
    ("to", "plain"),
    [
        ("bo@bücher.test", "bo@xn--bcher-kva.test"),
        ("bo@xn--bcher-kva.test", "bo@xn--bcher-kva.test"),
        ("bo@例え.テスト", "bo@xn--r8jz45g.xn--zckzah"),
        ("bo@faß.test", "bo@xn--fa-hia.test"),
    ],
)
async def test_a_domain_in_unicode_is_one_in_ascii(smtputf8: bool, to: str, plain: str) -> None:
    async with Postbox(smtputf8=smtputf8) as postbox:
        mailer = mailer_for(postbox)
        message = a_message()
        message.replace_header("From", "Händoff <handoff@bücher.test>")
        message["To"] = f"Bo Ö. <{to}>"

        async def content() -> EmailMessage:
            return message

        outcome = await mailer.send(content, to=to, envelope_from="handoff@bücher.test")

        assert outcome is not None
        assert (outcome.state, outcome.code) == (SENT, 250)
        mail = postbox.mails[0]
        assert mail.to == (to if smtputf8 else plain)
        if not smtputf8:
            head = mail.raw.partition(b"\r\n\r\n")[0]
            assert head.isascii()
            assert f"<{plain}>".encode() in head
            assert b"<handoff@xn--bcher-kva.test>" in head
        await mailer.close()


async def test_a_malformed_sender_is_a_system_fault(mailer: Mailer) -> None:
    outcome = await mailer.send(hello, to="bo@acme.test", envelope_from="Handoff")

    assert outcome == SendOutcome(RETRYING, None, Cause.SENDER_REFUSED)
    assert outcome.cause in SYSTEM_FAULTS


# TLS and login.


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("implicit", [False, True])
async def test_tls(authority: trustme.CA, implicit: bool) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    async with Postbox(certificate=certificate, implicit_tls=implicit) as postbox:
        mailer = mailer_for(postbox, tls_context=trusting(authority))

        assert await outcome_of(mailer) == (SENT, 250, "accepted")
        assert await outcome_of(mailer) == (SENT, 250, "accepted")
        assert postbox.connections_made == 1
        assert ("STARTTLS" in postbox.commands) is not implicit
        await mailer.close()
        await postbox.all_gone()


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("name", ["127.0.0.1", "elsewhere.test"])
async def test_a_certificate_that_does_not_convince(
    authority: trustme.CA, implicit: bool, name: str
) -> None:
    issuer = trustme.CA() if name == "127.0.0.1" else authority
    async with Postbox(certificate=issuer.issue_cert(name), implicit_tls=implicit) as postbox:
        mailer = mailer_for(postbox, tls_context=trusting(authority))

        outcome = await send(mailer)

        assert outcome == SendOutcome(RETRYING, None, Cause.TLS)
        assert outcome.cause in SYSTEM_FAULTS
        assert not postbox.mails


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_without_tls_gets_nothing(postbox: Postbox, tls: str) -> None:
    mailer = Mailer(
        SmtpAddress(f"smtp://bo:secret@127.0.0.1:{postbox.port}?tls={tls}"),
        timeout=timedelta(seconds=5),
        connections=1,
    )
    # A server that waits for EHLO answers a TLS hello with nothing that ends a line.
    assert await outcome_of(mailer) == (RETRYING, None, "tls")
    assert not {"AUTH", "MAIL"} & set(postbox.commands)


async def test_logging_in() -> None:
    async with Postbox(login=("handoff", "p:ä@ss")) as postbox:
        mailer = mailer_for(postbox)

        assert await outcome_of(mailer) == (SENT, 250, "accepted")
        await mailer.close()


@pytest.mark.parametrize("code", [535, 454])
async def test_a_refused_login_is_a_system_fault(code: int) -> None:
    async with Postbox(login=("handoff", "secret")) as postbox:
        mailer = mailer_for(postbox)
        postbox.refuse_login(code)

        outcome = await send(mailer)

        assert outcome == SendOutcome(RETRYING, code, Cause.AUTH)
        assert outcome.cause in SYSTEM_FAULTS


async def test_a_login_that_is_not_offered(postbox: Postbox) -> None:
    mailer = Mailer(
        SmtpAddress(f"smtp://bo:secret@127.0.0.1:{postbox.port}?tls=none"),
        timeout=timedelta(seconds=5),
        connections=1,
    )

    assert await outcome_of(mailer) == (RETRYING, None, "auth")


# Readiness.


async def test_a_probe_that_finds_all_well(postbox: Postbox, mailer: Mailer) -> None:
    assert await mailer.probe() == SendOutcome(SENT, 250, Cause.ACCEPTED)
    await postbox.all_gone()
    assert postbox.commands == ["EHLO", "NOOP", "QUIT"]


async def test_a_probe_that_finds_nobody(postbox: Postbox, mailer: Mailer) -> None:
    await postbox.go_down()

    outcome = await mailer.probe()

    assert (outcome.state, outcome.cause) == (RETRYING, Cause.CONNECTION)


async def test_a_probe_of_a_silent_server(postbox: Postbox) -> None:
    mailer = mailer_for(postbox, timeout=SOON)
    postbox.tarpit()

    assert (await mailer.probe()).cause is Cause.CONNECT_TIMEOUT


async def test_nothing_is_left_open(postbox: Postbox) -> None:
    """Unclosed transports would warn when they are collected, and warnings are errors."""
    mailer = mailer_for(postbox, timeout=SOON)
    tarpit = postbox.tarpit(stage="rcpt", times=1)
    await send(mailer)
    await send(mailer)
    await mailer.close()
    tarpit.end()
    await postbox.all_gone()
    del mailer
    gc.collect()


# The first words.


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("handoff.example.com", "handoff.example.com"),
        ("127.0.0.1", "[127.0.0.1]"),
        ("::1", "[IPv6:::1]"),
    ],
)
async def test_it_says_the_name_that_it_was_given(postbox: Postbox, name: str, said: str) -> None:
    mailer = Mailer(postbox.address, timeout=timedelta(seconds=5), connections=1, hello_name=name)
    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    assert postbox.greetings == [f"EHLO {said}"]
    await mailer.close()


async def test_who_does_not_know_ehlo_is_greeted_by_helo(postbox: Postbox, mailer: Mailer) -> None:
    postbox.refuse_ehlo(502)
    assert await outcome_of(mailer) == (SENT, 250, "accepted")
    assert [line.partition(" ")[0] for line in postbox.greetings] == ["EHLO", "HELO"]


async def test_a_server_that_greets_nobody_is_a_system_fault(
    postbox: Postbox, mailer: Mailer
) -> None:
    postbox.refuse_ehlo(421)
    assert await outcome_of(mailer) == (RETRYING, 421, "server_busy")
