"""Telegrams: header, records and their meaning."""
