"""Backup and restore: dumps of every collection, and erasures replayed after a restore."""
