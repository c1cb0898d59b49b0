"""Settings: the chats that the account has connected."""
