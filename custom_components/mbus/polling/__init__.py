"""The bus in use: who is read when, what is published, kept and told."""
