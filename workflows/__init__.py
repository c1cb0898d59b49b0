"""Deterministic: the handoff's life as Temporal carries it out."""
