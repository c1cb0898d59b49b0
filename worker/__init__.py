"""Builds and runs the Temporal worker, and repeats signals that the engine has not seen."""
