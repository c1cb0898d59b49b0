"""The account's people: kept by admins, providers and imports, and what each sets of their own."""
