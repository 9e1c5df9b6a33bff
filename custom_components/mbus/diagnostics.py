"""Diagnostics: what a connection and its meters are set to, and how they do; whose meters they are is hidden."""

from dataclasses import asdict
import os
import platform
from typing import Any

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_ADDRESS, CONF_NAME, CONF_UNIQUE_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .const import CONF_BINDINGS, CONF_TITLE, DOMAIN
from .meters.binding import Binding, BindingState
from .meters.meter import stored_bindings
from .meters.reading import Result
from .meters.reason import Why
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .polling.masking import is_harmless, masked_header, masked_text
from .polling.survey import bus_table
from .presentation.reasons import reason_text
from .presentation.record_data import record_data
from .presentation.texts import Texts, async_get_texts, sensor_key
from .protocol import PLAIN_TEXT, Address, Record, Telegram

TO_REDACT = {
    CONF_ADDRESS,
    CONF_TITLE,
    CONF_UNIQUE_ID,
    "fabrication_number",
    "identification",
    "initial_frames",
    "requests",
}
SPELT_OUT = {"dimension", "header", "name", "unit"}
"""What a binding stores of a record whose meaning the meter spells out as text."""
OF_PLACES = {BindingState.NO_TELEGRAM, BindingState.NO_RECORD}
"""States whose reason tells where something is missing, and nothing of what was sent."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of a connection; of one that isn't loaded, what it is set to and why."""
    texts = await async_get_texts(hass)
    diagnostics = {
        "entry": _stored(entry),
        "state": entry.state.value,
        "reason": entry.reason and masked_text(entry.reason),
        "node": platform.node(),
        "pid": os.getpid(),
    }
    if entry.state is ConfigEntryState.LOADED:
        diagnostics |= {
            "connection": _connection(entry, texts),
            "meters": [
                _meter(coordinator, texts)
                for coordinator in entry.runtime_data.coordinators.values()
            ],
        }
    return diagnostics


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: MBusConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of one meter with its records, or of the whole connection for its gateway."""
    if entry.state is ConfigEntryState.LOADED:
        for coordinator in entry.runtime_data.coordinators.values():
            if (DOMAIN, coordinator.meter.id) in device.identifiers:
                texts = await async_get_texts(hass)
                reading = coordinator.data.reading
                return _meter(coordinator, texts) | {
                    "telegrams": [
                        _telegram(telegram, texts)
                        for telegram in (reading.telegrams if reading else ())
                    ]
                }
    return await async_get_config_entry_diagnostics(hass, entry)


def _stored(entry: MBusConfigEntry) -> dict[str, Any]:
    stored = async_redact_data(entry.as_dict(), TO_REDACT)
    stored["data"] = async_redact_data(stored["data"], {CONF_NAME})
    for subentry in stored["subentries"]:
        subentry["data"] |= {
            CONF_BINDINGS: [
                async_redact_data(item, SPELT_OUT)
                if (item.get("signature") or {}).get("quantity") == PLAIN_TEXT
                else item
                for item in stored_bindings(subentry["data"])
            ]
        }
    return stored


def _connection(entry: MBusConfigEntry, texts: Texts) -> dict[str, Any]:
    data = entry.runtime_data
    connection = data.connection
    return {
        "state": "STOP" if connection.stopped else "RUN",
        "stopped": _why(connection.stopped, texts),
        "actual_connection": connection.bus.active,
        "last_error": _why(connection.last_error, texts),
        "failures": connection.failures,
        # asdict() would take a counter's items for its elements.
        "statistics": asdict(connection.bus.statistics)
        | {"discarded": dict(connection.bus.statistics.discarded)},
        "poll_duration": round(data.schedule.figures.poll_duration, 3),
        "bus_load": round(data.schedule.figures.bus_load, 4),
        "memory_in_use": data.memory_in_use,
        "bus_table": [
            row | {"meter": _address(data.coordinators[row["meter"]].meter.address)}
            for row in bus_table(data)
        ],
        "trace": connection.trace.as_list(masked=True),
    }


def _meter(coordinator: MeterCoordinator, texts: Texts) -> dict[str, Any]:
    data = coordinator.data
    return {
        "address": _address(coordinator.meter.address),
        "state": data.state,
        # Of another one in its place, all that could be said are its numbers.
        "error": REDACTED
        if data.state is BindingState.ANOTHER_METER
        else _why(data.reason, texts),
        "last_read": data.reading.time.isoformat() if data.reading else None,
        "bindings": [
            _binding(binding, data.results.get(binding.id), texts)
            for binding in coordinator.meter.bindings.values()
        ],
    }


def _why(reason: Why | None, texts: Texts) -> str | None:
    """Return a reason without the numbers of meters."""
    return masked_text(reason_text(reason, texts)) if reason else None


def _binding(binding: Binding, result: Result | None, texts: Texts) -> dict[str, Any]:
    is_spelt_out = binding.signature and binding.signature.quantity == PLAIN_TEXT
    return {
        "id": binding.id,
        "name": REDACTED if is_spelt_out else binding.name,
        "telegram": binding.telegram,
        "index": binding.index,
        "access": binding.access,
        "profile": binding.interpretation and binding.interpretation.profile,
        "state": result.state if result else None,
        "problem": _problem(result, texts),
    }


def _problem(result: Result | None, texts: Texts) -> str | None:
    """Return why a binding has no value; the reason may hold what the meter sent."""
    if result is None or result.reason is None:
        return None
    if result.state in OF_PLACES or (result.record and is_harmless(result.record)):
        return _why(result.reason, texts)
    return REDACTED


def _telegram(telegram: Telegram, texts: Texts) -> dict[str, Any]:
    header = telegram.header
    return {
        "control_information": f"{telegram.control_information:02X}",
        "header": {
            "manufacturer": header.manufacturer,
            "version": header.version,
            "medium": header.medium,
            "access_number": header.access_number,
            "status": header.status,
            "configuration": header.configuration,
        }
        if header
        else None,
        "records": [_record(record, texts) for record in telegram.records],
        "bytes_of_the_manufacturer": len(telegram.manufacturer_data),
        "bytes_not_read": len(telegram.trailing_data),
        "more_records_follow": telegram.more_records_follow,
        "problem": reason_text(telegram.problem, texts) if telegram.problem else None,
    }


def _record(record: Record, texts: Texts) -> dict[str, Any]:
    """Return a record, and its data where they are harmless."""
    data: dict[str, Any] = record_data(record, texts)
    data["header"] = masked_header(record)
    hidden = set() if is_harmless(record) else {"value", "raw", "problem"}
    if record.quantity == PLAIN_TEXT:
        data["name"] = texts[sensor_key(PLAIN_TEXT)]
        hidden.add("unit")
    return async_redact_data(data, hidden)


def _address(address: Address) -> int | str:
    """Return a primary address; a secondary one is the meter's number."""
    return address if isinstance(address, int) else REDACTED
