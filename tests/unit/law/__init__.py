"""What laws demand, and since when."""
