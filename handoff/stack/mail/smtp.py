"""The SMTP side of the catcher: it takes what any client sends, and answers 250 once it is kept."""

import asyncio
import logging
from typing import Any

from aiosmtpd.smtp import SMTP

from handoff.stack.mail.store import MailStore

_LARGEST = 2 * 1024 * 1024
_log = logging.getLogger(__name__)


class Catcher:
    """What aiosmtpd calls for each message."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        try:
            name = self._store.add(
                str(envelope.mail_from), [str(to) for to in envelope.rcpt_tos], envelope.content
            )
        except OSError as fault:
            # A full disk is the sender's business: it may try again, nothing is lost.
            _log.error("mail.not_kept errno=%s", fault.errno)
            return "452 4.3.1 Insufficient system storage"
        return f"250 2.0.0 Kept as {name}"


async def serve_smtp(store: MailStore, port: int) -> asyncio.Server:
    catcher = Catcher(store)
    return await asyncio.get_running_loop().create_server(
        # With a name given it does not ask the resolver for this machine's.
        lambda: SMTP(
            catcher,
            hostname="localhost",
            ident="Handoff mail catcher",
            data_size_limit=_LARGEST,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        ),
        host="127.0.0.1",
        port=port,
    )
