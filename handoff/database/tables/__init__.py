"""The tables, as SQLAlchemy models. Each constraint has a sentence that says what it keeps true.

Here, because only all of them together are the schema. Nothing here asks a question: queries live
in one module per noun.
"""

from handoff.database.tables.base import WORDS, Table, words
from handoff.database.tables.chat import IntegrationRow, PostRow
from handoff.database.tables.files import FileChunkRow, FileRow, LeftObjectRow
from handoff.database.tables.handoffs import HandoffRow, RefusalRow, SessionRow
from handoff.database.tables.messages import DeliveryRow, EndpointRow, EventRow
from handoff.database.tables.operations import AuditRow, IdempotencyRow
from handoff.database.tables.people import AccountRow, ApiTokenRow, SignInRow, TeamRow, UserRow
from handoff.database.tables.texts import TextsRow
from handoff.database.tables.webhooks import WebhookAttemptRow, WebhookRow

__all__ = [
    "WORDS",
    "AccountRow",
    "ApiTokenRow",
    "AuditRow",
    "DeliveryRow",
    "EndpointRow",
    "EventRow",
    "FileChunkRow",
    "FileRow",
    "HandoffRow",
    "IdempotencyRow",
    "IntegrationRow",
    "LeftObjectRow",
    "PostRow",
    "RefusalRow",
    "SessionRow",
    "SignInRow",
    "Table",
    "TeamRow",
    "TextsRow",
    "UserRow",
    "WebhookAttemptRow",
    "WebhookRow",
    "words",
]
