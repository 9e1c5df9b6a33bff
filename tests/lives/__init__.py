"""Whole lives of a connection in random order, held against a simulator that knows the truth."""
