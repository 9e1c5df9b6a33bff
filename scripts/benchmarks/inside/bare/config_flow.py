"""Home Assistant wants one of every integration with entries."""

from homeassistant.config_entries import ConfigFlow


class BareFlow(ConfigFlow, domain="bare"):
    """Entries are made by the probe."""
