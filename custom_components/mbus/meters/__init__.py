"""Meters, their bindings and readings, and what follows from a reading."""
