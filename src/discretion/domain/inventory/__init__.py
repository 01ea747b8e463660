"""What the retailer keeps about people, told to everybody."""
