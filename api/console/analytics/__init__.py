"""How escalations were answered."""
