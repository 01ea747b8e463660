"""Correction: what a person says is wrong about them is put right, and stays so (GDPR Art. 16)."""
