"""What people may ask of their data; so far, to see who saw it."""
