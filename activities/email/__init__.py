"""Email: the one way to a mail server, and the words of every mail."""
