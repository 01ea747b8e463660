"""Laws over generated input, each with the ways in which it was broken once."""
