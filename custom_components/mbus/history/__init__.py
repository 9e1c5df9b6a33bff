"""A meter's own past: what it remembers of its totals, and what of that can go into statistics."""
