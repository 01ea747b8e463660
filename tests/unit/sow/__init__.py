"""The seed: what is sown, and how it is sent."""
