"""Over all accounts: what the engine's upkeep, readiness and metrics ask. No customer's text."""
