"""What several pages are made of. Knows none of them."""
