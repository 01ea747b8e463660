"""How well the likeness finds doubles, on published ground truth."""
