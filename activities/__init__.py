"""Every side effect: records, recipients, email, push. Decisions live in `handoff.rules`."""
