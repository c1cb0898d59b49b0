"""Which folder sends by which channel. What is rung needs nobody here."""

from collections.abc import Callable

from activities.email.sender import EmailSender
from activities.sender import Sender
from activities.webhooks.callbacks import CallbackSender
from handoff.rules.channels import CALLBACK, EMAIL
from handoff.settings import Settings

SENDERS: dict[str, Callable[[Settings], Sender]] = {
    EMAIL.name: EmailSender.connect,
    CALLBACK.name: CallbackSender.connect,
}
"""One row per channel that leaves one by one."""


def all_senders(settings: Settings) -> dict[str, Sender]:
    """A process's senders. Nothing is opened yet: each connects when it first sends."""
    return {name: make(settings) for name, make in SENDERS.items()}
