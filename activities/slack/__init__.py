"""Slack: one message per handoff and channel, changed in place, with its history as a thread."""
