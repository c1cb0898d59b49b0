"""What the API starts in the engine: a handoff, and a test notification."""
