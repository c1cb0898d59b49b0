"""What a mail's claim link opens."""
