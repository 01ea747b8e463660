"""What is heard, and what is not, of what is sent for a person."""
