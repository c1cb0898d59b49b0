"""The messages that leave one by one: what is due, the last look before one leaves, and bundles."""
