"""The account's people and teams."""
