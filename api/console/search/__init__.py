"""Old work: found by words, people and time; and what has closed, day by day."""
