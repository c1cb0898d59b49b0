"""The HTTP interface: parse, authorise, one call, render."""
