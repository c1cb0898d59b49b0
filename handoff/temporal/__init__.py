"""Temporal: how to connect, what things are called there, and how what it stores is kept secret."""
