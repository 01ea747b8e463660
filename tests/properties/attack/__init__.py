"""A stranger who tries to take other people's data by what they type, present and confirm."""
