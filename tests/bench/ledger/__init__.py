"""Measures the ledger: room, processor time of MongoDB and time until an entry is durable."""
