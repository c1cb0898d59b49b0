"""The queue: what waits, who has what, and claiming."""
