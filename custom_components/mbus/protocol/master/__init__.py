"""Transactions with meters."""
