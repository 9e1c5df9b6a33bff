"""Bytes, frames and single exchanges on a line."""
