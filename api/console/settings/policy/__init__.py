"""Whom the account tells, by which ways, for how long."""
