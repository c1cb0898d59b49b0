"""The settings: one folder each, in one frame."""
