"""The account's own settings."""
