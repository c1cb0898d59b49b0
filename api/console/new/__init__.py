"""Handing a session off."""
