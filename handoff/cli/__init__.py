"""The command line's commands, one file each. They import no room above the core."""
