"""The domain as data: the words, the people, the record, and the messages that cross borders.

Frozen dataclasses and enums, standard library only. Decisions live in `rules`.
"""
