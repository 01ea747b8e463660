"""A MongoDB server started by this process, for evaluation and tests."""
