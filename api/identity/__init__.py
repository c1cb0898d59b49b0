"""Who is calling: people by token or browser session, programs by API token and its scopes."""
