"""How the reader wants to be told."""
