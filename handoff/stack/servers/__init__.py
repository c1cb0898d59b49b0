"""The servers that the stack runs on one machine, and how each is started and asked."""
