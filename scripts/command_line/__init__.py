"""A command line over the protocol package, for looking at a bus, or at bytes, without Home Assistant."""
