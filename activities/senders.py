"""Which folder sends by which channel. What is rung needs nobody here."""

from collections.abc import Callable

from activities.email.sender import EmailSender
from activities.sender import Sender
from activities.slack.sender import SlackSender
from activities.teams.sender import TeamsSender
from activities.webhooks.callbacks import CallbackSender
from handoff.database.gate import Database
from handoff.rules.channels import CALLBACK, EMAIL, SLACK, TEAMS
from handoff.settings import Settings

SENDERS: dict[str, Callable[[Settings, Database], Sender]] = {
    EMAIL.name: EmailSender.connect,
    SLACK.name: SlackSender,
    TEAMS.name: TeamsSender.connect,
    CALLBACK.name: CallbackSender.connect,
}
"""One row per channel that leaves one by one."""


def all_senders(settings: Settings, database: Database) -> dict[str, Sender]:
    """A process's senders. Nothing is opened yet: each connects when it first sends."""
    return {name: make(settings, database) for name, make in SENDERS.items()}
