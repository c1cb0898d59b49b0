"""One handoff: what it is about, what comes next, its timeline, and its commands."""
