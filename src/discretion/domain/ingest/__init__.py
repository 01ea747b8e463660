"""Taking messages in, whichever door they come through."""
