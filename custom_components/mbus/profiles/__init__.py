"""What meter families mean by codes of their own: data, the file that reads it, and what it says of a record."""
