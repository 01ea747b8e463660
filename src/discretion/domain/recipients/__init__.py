"""Who was given a person's data, and telling them what became of it (GDPR, Art. 19)."""
