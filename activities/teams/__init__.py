"""Microsoft Teams: an Adaptive Card for every change that matters, to a Workflows address."""
