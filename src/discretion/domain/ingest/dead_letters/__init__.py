"""Dead letters: what is refused, kept for a while, counted, and sent again."""
