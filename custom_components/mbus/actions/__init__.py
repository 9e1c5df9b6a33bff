"""What the actions do whose work is more than a few lines."""
