"""SCIM 2.0 (RFC 7643, 7644): an identity provider keeps an account's users and teams.

Users are users, Groups are teams. What SCIM may change is decided where the directory decides it.
"""
