"""Logs: one JSON object a line, events as `noun.verb` with ids; never notes, addresses, tokens."""

import logging
import sys

import structlog

from handoff.settings import Settings
from handoff.tracebacks import without_words

TALKATIVE = (
    "aiohttp",
    "authlib",
    "httpcore",
    "httpx",
    "slack_sdk",
    "sqlalchemy",
    "uvicorn.access",
    "websockets",
)
"""These log whole requests, headers and tokens included, or each failed attempt of many."""


def configure(settings: Settings) -> None:
    """Sends our own and the libraries' logs to standard error in one form."""
    level = getattr(logging, settings.log_level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                without_words,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    quieten(level)


def quieten(level: int) -> None:
    """Keeps at every level from the log what is not for it."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # At its lowest level it hands WebSockets their logger, which tells each frame and header.
    logging.getLogger("uvicorn.error").setLevel(max(level, logging.INFO))
