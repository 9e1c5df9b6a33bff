"""System health: the process that speaks with the meters, and how its connections do."""

import os
import platform
from typing import Any

from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .polling.coordinator import MBusConfigEntry


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register the page."""
    register.async_register_info(async_info)


async def async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return what the page shows."""
    entries: list[MBusConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    loaded = [entry for entry in entries if entry.state is ConfigEntryState.LOADED]
    coordinators = [
        coordinator
        for entry in loaded
        for coordinator in entry.runtime_data.coordinators.values()
    ]
    return {
        "node": platform.node(),
        "pid": os.getpid(),
        "connections": len(entries),
        "connections_running": sum(
            entry.runtime_data.connection.stopped is None for entry in loaded
        ),
        "meters": len(coordinators),
        "meters_answering": sum(
            coordinator.data.is_heard for coordinator in coordinators
        ),
    }
