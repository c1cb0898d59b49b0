"""What rings: one stream for all tabs of a browser, and the pulse that every page asks for."""
