"""What every endpoint shares: documented answers, idempotency, allowances, OpenAPI."""
