"""The embedded parts of `handoff up`: one file each, and the supervisor that keeps them alive."""
