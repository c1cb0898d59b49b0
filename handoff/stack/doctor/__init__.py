"""What `handoff doctor` looks at: the machine, the data directory, and what it depends on."""
