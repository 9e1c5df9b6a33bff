"""Diagnostics: what a connection and its meters are set to, and how they do; meter numbers are masked."""

from dataclasses import asdict
import os
import platform
from typing import Any

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .const import DOMAIN
from .meters.binding import Binding
from .meters.reading import Result
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .polling.masking import SENSITIVE_QUANTITIES, masked_text
from .protocol import Address

TO_REDACT = {
    "address",
    "fabrication_number",
    "identification",
    "initial_frames",
    "title",
    "unique_id",
}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of a connection; of one that isn't loaded, what it is set to and why."""
    diagnostics = {
        "entry": async_redact_data(entry.as_dict(), TO_REDACT),
        "state": entry.state.value,
        "reason": entry.reason,
        "node": platform.node(),
        "pid": os.getpid(),
    }
    if entry.state is ConfigEntryState.LOADED:
        diagnostics |= {
            "connection": _connection(entry),
            "meters": [
                _meter(coordinator)
                for coordinator in entry.runtime_data.coordinators.values()
            ],
        }
    return diagnostics


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: MBusConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of one meter, or of the whole connection for its gateway."""
    if entry.state is ConfigEntryState.LOADED:
        for coordinator in entry.runtime_data.coordinators.values():
            if (DOMAIN, coordinator.meter.id) in device.identifiers:
                return _meter(coordinator)
    return await async_get_config_entry_diagnostics(hass, entry)


def _connection(entry: MBusConfigEntry) -> dict[str, Any]:
    data = entry.runtime_data
    connection = data.connection
    return {
        "state": "STOP" if connection.stopped else "RUN",
        "stopped": connection.stopped,
        "actual_connection": connection.bus.active,
        "last_error": connection.last_error and masked_text(connection.last_error),
        "failures": connection.failures,
        # asdict() would take a counter's items for its elements.
        "statistics": asdict(connection.bus.statistics)
        | {"discarded": dict(connection.bus.statistics.discarded)},
        "poll_duration": round(data.schedule.figures.poll_duration, 3),
        "bus_load": round(data.schedule.figures.bus_load, 4),
        "memory_in_use": data.memory_in_use,
        "trace": connection.trace.as_list(masked=True),
    }


def _meter(coordinator: MeterCoordinator) -> dict[str, Any]:
    data = coordinator.data
    return {
        "address": _address(coordinator.meter.address),
        "state": data.state,
        "error": data.reason and masked_text(data.reason),
        "last_read": data.reading.time.isoformat() if data.reading else None,
        "bindings": [
            {
                "id": binding.id,
                "name": binding.name,
                "telegram": binding.telegram,
                "index": binding.index,
                "access": binding.access,
                "state": result.state
                if (result := data.results.get(binding.id))
                else None,
                "problem": _problem(binding, result),
            }
            for binding in coordinator.meter.bindings.values()
        ],
    }


def _problem(binding: Binding, result: Result | None) -> str | None:
    """Return why a binding has no value; the reason may hold what the meter sent."""
    if result is None or result.reason is None:
        return None
    if binding.signature and binding.signature.quantity in SENSITIVE_QUANTITIES:
        return REDACTED
    return masked_text(result.reason)


def _address(address: Address) -> int | str:
    """Return a primary address; a secondary one is the meter's number."""
    return address if isinstance(address, int) else REDACTED
