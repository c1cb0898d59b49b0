"""The record's life: how it begins and changes, who is told, what the engine reads of it."""
