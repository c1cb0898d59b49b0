"""The core that every room shares. It knows nobody above it."""
