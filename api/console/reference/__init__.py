"""The API, readable."""
