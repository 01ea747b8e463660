"""Durable steps: carried out one after the other, by whichever process, through any crash."""
