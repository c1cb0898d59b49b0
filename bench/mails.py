"""A round of a thousand mails, against raw sends to the same server over as many connections."""

import asyncio
import time
from email.message import EmailMessage

import aiosmtplib

from bench.desk import Desk
from bench.processes import costs_at_most, cpu
from bench.report import Line, at_most
from handoff.addresses import SmtpAddress
from handoff.settings import Settings

RECIPIENTS = 1000
CONNECTIONS: int = Settings.model_fields["smtp_connections"].default
WITHIN = 120


async def measure(desk: Desk) -> list[Line]:
    floor = await _raw(desk.state.smtp_url)
    escalator, *_ = await desk.team(RECIPIENTS + 1)
    [(holder, session_id)] = await desk.sessions([escalator])
    before = cpu(desk.state.pids)
    began = time.perf_counter()
    handoff_id = await desk.hand_off(holder, session_id)
    await desk.until_told(handoff_id, RECIPIENTS, within=WITHIN)
    ours = time.perf_counter() - began
    return [
        at_most(
            f"{RECIPIENTS:,} mails in one round (bare: raw SMTP)",
            f"{ours:.2f} s; {RECIPIENTS / ours:.0f}/s",
            f"{floor:.2f} s; {RECIPIENTS / floor:.0f}/s",
            ours / floor,
            1.5,
        ),
        costs_at_most("CPU of such a mail", before, cpu(desk.state.pids), RECIPIENTS, 2.0),
    ]


async def _raw(smtp_url: str) -> float:
    address = SmtpAddress(smtp_url)
    left = list(range(RECIPIENTS))

    async def work() -> None:
        async with aiosmtplib.SMTP(
            hostname=address.host, port=address.port, start_tls=False, timeout=10
        ) as connection:
            while left:
                await connection.send_message(_letter(left.pop()))

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return time.perf_counter() - began


def _letter(number: int) -> EmailMessage:
    """About the size of one of ours, text and HTML."""
    letter = EmailMessage()
    letter["From"] = "Handoff <handoff@localhost>"
    letter["To"] = f"{number}@bench.test"
    letter["Subject"] = "An escalation waits for you"
    letter.set_content("Somebody needs help. " * 50)
    letter.add_alternative("<p>" + "Somebody needs help. " * 150 + "</p>", subtype="html")
    return letter
