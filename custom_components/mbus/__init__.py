"""Read and write wired M-Bus meters (EN 13757) through a serial level converter or a TCP gateway."""

import asyncio
from collections.abc import Iterable

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.typing import ConfigType

from .const import (
    CONF_BINDINGS,
    CONF_MEMORY_LIMIT,
    DEFAULT_OPTIONS,
    DOMAIN,
    LOGGER,
    SIGNAL_CONNECTION_UPDATED,
    SIGNAL_METER_CHANGED,
    SUBENTRY_METER,
)
from .entity import connection_device_info, meter_device_info
from .meters.meter import Meter
from .polling.connection import STOPPED_BY_USER, Connection
from .polling.coordinator import MBusConfigEntry, MBusRuntimeData, MeterCoordinator
from .polling.issues import report_profile_files, withdraw_all, withdraw_connection
from .polling.schedule import Schedule
from .polling.store import MBusStore
from .profile_services import async_setup_profile_services
from .profiles.library import async_get_library
from .protocol import LinkError
from .services import async_setup_services

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.DATE,
    Platform.DATETIME,
    Platform.NUMBER,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TEXT,
    Platform.TIME,
]


_SUGGESTED_UNIT = "sensor.private"

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what is there without any connection."""
    async_setup_services(hass)
    async_setup_profile_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: MBusConfigEntry) -> bool:
    """Open the bus and set up its meters; nothing waits for a reading."""
    store = MBusStore(hass, entry.entry_id)
    await store.async_load()
    report_profile_files(hass, await async_get_library(hass))

    @callback
    def async_tell() -> None:
        async_dispatcher_send(hass, SIGNAL_CONNECTION_UPDATED.format(entry.entry_id))

    @callback
    def async_note_way() -> None:
        connection.note_way()
        async_tell()

    connection = Connection(entry.title, entry.data, entry.options)
    connection.bus.on_change = async_note_way
    # Whatever fails from here on, the link is closed again.
    entry.async_on_unload(connection.async_close)
    try:
        await connection.async_open()
    except LinkError as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="cannot_connect",
            translation_placeholders={"error": str(err)},
        ) from err

    gateway = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, **connection_device_info(hass, entry)
    )
    entry.runtime_data = data = MBusRuntimeData(
        connection=connection,
        schedule=Schedule(hass, entry, connection, store, on_reading=async_tell),
        store=store,
        gateway_device_id=gateway.id,
        memory_limit=(DEFAULT_OPTIONS | dict(entry.options))[CONF_MEMORY_LIMIT],
    )
    entry.async_on_unload(data.schedule.async_stop)
    meters = _meters(entry)
    for meter in meters.values():
        _add_meter(hass, entry, meter)
    _forget_suggested_units(hass, entry, meters.values())
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    if store.running:
        data.schedule.async_start()
    else:
        data.async_stop(STOPPED_BY_USER)
    entry.async_on_unload(
        entry.add_update_listener(_Updates(entry, meters).async_apply)
    )
    return True


async def async_unload_entry(hass: HomeAssistant, entry: MBusConfigEntry) -> bool:
    """Stop polling, close the bus and write down what the next setup goes on with."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    data = entry.runtime_data
    data.schedule.async_stop()
    await data.connection.async_close()
    await data.schedule.async_wait()
    for meter_id, coordinator in data.coordinators.items():
        await coordinator.async_shutdown()
        withdraw_all(hass, meter_id)
    withdraw_connection(hass, entry)
    await data.store.async_save()
    return True


async def async_remove_entry(hass: HomeAssistant, entry: MBusConfigEntry) -> None:
    """Delete what was kept of the connection."""
    await MBusStore(hass, entry.entry_id).async_remove()


class _Updates:
    """Applies changes of the entry: a changed meter alone is touched, only a changed connection reloads.

    Home Assistant calls the listener as concurrent tasks, once per change, and changes subentries in place: so each
    call compares with what was applied last, one after another.
    """

    def __init__(self, entry: MBusConfigEntry, meters: dict[str, Meter]) -> None:
        """Remember what is set up now."""
        self._lock = asyncio.Lock()
        self._connection = (entry.title, dict(entry.data), dict(entry.options))
        self._meters = meters

    async def async_apply(self, hass: HomeAssistant, entry: MBusConfigEntry) -> None:
        """Bring what runs in line with the entry."""
        async with self._lock:
            if (entry.title, dict(entry.data), dict(entry.options)) != self._connection:
                hass.config_entries.async_schedule_reload(entry.entry_id)
                return
            before, self._meters = self._meters, _meters(entry)
            for meter_id in before.keys() - self._meters.keys():
                await _remove_meter(hass, entry, meter_id)
            for meter_id, meter in self._meters.items():
                if meter_id not in before:
                    coordinator = _add_meter(hass, entry, meter)
                elif meter != before[meter_id]:
                    coordinator = entry.runtime_data.coordinators[meter_id]
                    _drop_entities(hass, entry, before[meter_id], meter)
                    coordinator.async_set_meter(meter)
                    _update_device(hass, coordinator)
                else:
                    continue
                async_dispatcher_send(
                    hass, SIGNAL_METER_CHANGED.format(entry.entry_id), coordinator
                )


@callback
def _forget_suggested_units(
    hass: HomeAssistant, entry: MBusConfigEntry, meters: Iterable[Meter]
) -> None:
    """Drop the units that release 0.1 suggested for records: their units could not be changed otherwise."""
    registry = er.async_get(hass)
    bindings = {binding_id for meter in meters for binding_id in meter.bindings}
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if entity.unique_id in bindings and _SUGGESTED_UNIT in entity.options:
            registry.async_update_entity_options(
                entity.entity_id, _SUGGESTED_UNIT, None
            )


def _meters(entry: MBusConfigEntry) -> dict[str, Meter]:
    return {
        subentry_id: Meter.from_subentry(subentry)
        for subentry_id, subentry in entry.subentries.items()
        if subentry.subentry_type == SUBENTRY_METER
    }


@callback
def _add_meter(
    hass: HomeAssistant, entry: MBusConfigEntry, meter: Meter
) -> MeterCoordinator:
    data = entry.runtime_data
    data.coordinators[meter.id] = coordinator = MeterCoordinator(hass, entry, meter)
    data.schedule.async_add(coordinator)
    stored = entry.subentries[meter.id].data.get(CONF_BINDINGS, ())
    if unreadable := len(stored) - len(meter.bindings):
        LOGGER.warning(
            "%s: this release can't read %d of its bindings, and leaves them out",
            coordinator.name,
            unreadable,
        )
    return coordinator


@callback
def _update_device(hass: HomeAssistant, coordinator: MeterCoordinator) -> None:
    """Show a changed name or number: entities tell of their device only when they are added."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=coordinator.config_entry.entry_id,
        config_subentry_id=coordinator.meter.id,
        **meter_device_info(coordinator),
    )


async def _remove_meter(
    hass: HomeAssistant, entry: MBusConfigEntry, meter_id: str
) -> None:
    """Stop reading a removed meter; Home Assistant has removed its device and entities."""
    data = entry.runtime_data
    coordinator = data.coordinators.pop(meter_id)
    data.schedule.async_remove(meter_id)
    await coordinator.async_shutdown()
    data.store.forget_meter(meter_id)
    for binding_id in coordinator.meter.bindings:
        data.store.forget_memory(binding_id)
    withdraw_all(hass, meter_id)


@callback
def _drop_entities(
    hass: HomeAssistant, entry: MBusConfigEntry, before: Meter, meter: Meter
) -> None:
    """Remove the entities of bindings that are gone."""
    gone = before.bindings.keys() - meter.bindings.keys()
    registry = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if entity.unique_id.partition("_")[0] in gone:
            registry.async_remove(entity.entity_id)
    for binding_id in gone:
        entry.runtime_data.store.forget_memory(binding_id)
