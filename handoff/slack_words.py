"""What Slack and we say to each other: how buttons are called, and text that is only text."""

CLAIM = "handoff_claim"
OPEN = "handoff_open"

TIMESTAMP, SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"
"""The headers of what it sends."""


def plain(text: str) -> str:
    """Nobody is called by what somebody typed: no @channel, no link with other words on it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
