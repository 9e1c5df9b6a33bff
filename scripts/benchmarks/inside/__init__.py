"""What runs inside of the Home Assistant of a benchmark."""
