"""HTTP itself: problems, bodies, headers, limits and connections. Nothing of the domain."""
