"""The mail catcher of `handoff up`: takes every mail over SMTP, keeps it, and shows it on a page.

It runs as a process of its own, `python -m handoff.stack.mail`, and sends nothing anywhere.
"""
