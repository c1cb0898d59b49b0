"""The account's webhooks."""
