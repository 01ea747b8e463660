"""Consent: what people said about purposes, kept as evidence and handed out as receipts."""
