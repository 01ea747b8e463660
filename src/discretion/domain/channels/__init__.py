"""Where messages come from: sources, their keys, and what a message must be."""
