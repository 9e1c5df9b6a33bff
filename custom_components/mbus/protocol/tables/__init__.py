"""Tables of EN 13757-3: VIF, VIFE, units and device types."""
