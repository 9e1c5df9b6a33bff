"""Data fields to values and back."""
