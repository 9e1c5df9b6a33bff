"""Tests of the meter profiles."""
