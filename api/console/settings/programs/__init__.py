"""The programs that act in the reader's name."""
