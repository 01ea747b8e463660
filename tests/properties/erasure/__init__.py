"""Whether what was erased can be found again, by programs that share nothing with what erases."""
