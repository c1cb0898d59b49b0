"""The endpoints, one file per noun. Thin: parse, authorise, one call, render."""
