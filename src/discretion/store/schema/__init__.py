"""Every MongoDB collection declared as data: validator, indexes, personal data and how documents leave it."""
