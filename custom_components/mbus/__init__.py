"""Read and write wired M-Bus meters (EN 13757) through a serial level converter or a TCP gateway."""

import asyncio
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import CONF_HOST, Platform
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
    CONFIG_ENTRY_MINOR_VERSION,
    DOMAIN,
    LOGGER,
    SIGNAL_CONNECTION_UPDATED,
    SIGNAL_METER_CHANGED,
    SUBENTRY_METER,
)
from .entity import connection_device_info, meter_device_info
from .flows.link_form import async_follow_moved_port
from .meters.meter import Meter, stored_bindings
from .polling.connection import CLOSED, STOPPED_BY_USER, Connection
from .polling.coordinator import MBusConfigEntry, MBusRuntimeData, MeterCoordinator
from .polling.device_names import async_follow_device_names, async_name_device
from .polling.history import History
from .polling.issues import report_profile_files, withdraw_all, withdraw_connection
from .polling.limits import async_check_limits
from .polling.schedule import Schedule
from .polling.seams import Seams
from .polling.store import MBusStore
from .polling.web_page import async_web_page
from .presentation.reasons import reason_text
from .presentation.texts import cached_texts
from .profiles.catalogue import async_get_catalogue
from .protocol import LinkError
from .services import async_setup_services
from .slices import sliced

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.DATE,
    Platform.DATETIME,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TEXT,
    Platform.TIME,
]

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what is there without any connection."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: MBusConfigEntry) -> bool:
    """Open the bus and set up its meters; nothing waits for a reading."""
    store = MBusStore(hass, entry.entry_id)
    await store.async_load()
    _forget_deleted(entry, store)
    entry.async_on_unload(store.async_close)
    report_profile_files(hass, await async_get_catalogue(hass))

    async_follow_moved_port(hass, entry)

    @callback
    def async_tell() -> None:
        async_dispatcher_send(hass, SIGNAL_CONNECTION_UPDATED.format(entry.entry_id))

    @callback
    def async_note_reading() -> None:
        async_check_limits(hass, entry)
        async_tell()

    connection = Connection(
        entry.title,
        entry.data,
        entry.options,
        stopped=None if store.running else STOPPED_BY_USER,
        on_change=async_tell,
    )
    # Whatever fails from here on, the link is closed again.
    entry.async_on_unload(connection.async_close)
    try:
        await connection.async_open()
    except LinkError as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="cannot_connect",
            translation_placeholders={"error": reason_text(err, cached_texts(hass))},
        ) from err

    gateway = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, **connection_device_info(hass, entry)
    )
    if host := entry.data.get(CONF_HOST):
        entry.async_create_background_task(
            hass,
            _async_show_web_page(hass, gateway.id, host),
            f"M-Bus web page of {entry.title}",
        )
    coordinators = dict[str, MeterCoordinator]()
    entry.runtime_data = data = MBusRuntimeData(
        coordinators=coordinators,
        connection=connection,
        schedule=Schedule(
            hass, entry, connection, store, on_reading=async_note_reading
        ),
        store=store,
        seams=Seams(hass, store),
        history=History(hass, store, coordinators),
        gateway_device_id=gateway.id,
    )
    entry.async_on_unload(partial(data.async_stop, CLOSED))
    entry.async_on_unload(data.seams.watch.async_stop)
    entry.async_on_unload(data.history.watch.async_stop)
    async_follow_device_names(hass, entry)
    updates = _Updates(entry)
    async for meter in sliced(updates.meters):
        _add_meter(hass, entry, meter)
    data.history.async_start()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    data.schedule.async_plan()
    entry.async_on_unload(entry.add_update_listener(updates.async_apply))
    await updates.async_apply(hass, entry)
    return True


@callback
def _forget_deleted(entry: MBusConfigEntry, store: MBusStore) -> None:
    """Drop what was kept of meters and bindings that were deleted while the connection was not set up."""
    stored = [stored_bindings(subentry.data) for subentry in entry.subentries.values()]
    try:
        bindings = {item["id"] for items in stored for item in items}
    except LookupError, TypeError:
        return  # Another release stored some in another way.
    store.keep_only(entry.subentries.keys(), bindings)


async def _async_show_web_page(hass: HomeAssistant, device_id: str, host: str) -> None:
    """Lead from the gateway's device to the page on which it is set up, if it has one."""
    url = await async_web_page(host)
    registry = dr.async_get(hass)
    if registry.async_get(device_id):
        registry.async_update_device(device_id, configuration_url=url)


async def async_migrate_entry(hass: HomeAssistant, entry: MBusConfigEntry) -> bool:
    """Drop the units that release 0.1 suggested for values: Home Assistant would keep to them when others are set.

    Minor version 1 is that release's; a newer one only holds more.
    """
    if entry.minor_version < CONFIG_ENTRY_MINOR_VERSION:
        registry = er.async_get(hass)
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
            registry.async_update_entity_options(
                entity.entity_id, "sensor.private", None
            )
        hass.config_entries.async_update_entry(
            entry, minor_version=CONFIG_ENTRY_MINOR_VERSION
        )
    return True


async def async_unload_entry(hass: HomeAssistant, entry: MBusConfigEntry) -> bool:
    """Stop polling, close the bus and write down what the next setup goes on with."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    data = entry.runtime_data
    data.async_stop(CLOSED)
    await data.connection.async_close()
    await data.schedule.async_wait()
    for meter_id, coordinator in data.coordinators.items():
        await coordinator.async_shutdown()
        withdraw_all(hass, meter_id)
    withdraw_connection(hass, entry)
    await data.store.async_close()
    return True


async def async_remove_entry(hass: HomeAssistant, entry: MBusConfigEntry) -> None:
    """Delete what was kept of the connection."""
    await MBusStore(hass, entry.entry_id).async_remove()


class _Updates:
    """Applies changes of the entry: a changed meter alone is touched, only a changed connection reloads.

    Home Assistant calls the listener as concurrent tasks, once per change, and changes subentries in place: so each
    call compares with what was applied last, one after another.
    """

    def __init__(self, entry: MBusConfigEntry) -> None:
        """Remember what is set up now."""
        self._lock = asyncio.Lock()
        self._connection = _connection(entry)
        self._applied = {meter.id: meter for meter in _meters(entry)}
        self._stored = {
            meter_id: (subentry.data, subentry.title)
            for meter_id, subentry in entry.subentries.items()
        }

    @property
    def meters(self) -> Iterable[Meter]:
        """Return the meters that are set up."""
        return self._applied.values()

    async def async_apply(self, hass: HomeAssistant, entry: MBusConfigEntry) -> None:
        """Bring what runs in line with the entry."""
        async with self._lock:
            if _is_unloading(entry):
                return  # The next setup begins with what is stored then.
            if _connection(entry) != self._connection:
                hass.config_entries.async_schedule_reload(entry.entry_id)
                return
            for meter_id in self._stored.keys() - entry.subentries.keys():
                del self._stored[meter_id]
                if self._applied.pop(meter_id, None):
                    await _remove_meter(hass, entry, meter_id)
            subentries = [*entry.get_subentries_of_type(SUBENTRY_METER)]
            async for subentry in sliced(subentries):
                is_there = subentry.subentry_id in entry.subentries
                if is_there and not _is_unloading(entry):
                    self._async_apply_meter(hass, entry, subentry)

    @callback
    def _async_apply_meter(
        self, hass: HomeAssistant, entry: MBusConfigEntry, subentry: ConfigSubentry
    ) -> None:
        """Bring one meter in line."""
        meter_id = subentry.subentry_id
        data, title = self._stored.get(meter_id, (None, None))
        if data is subentry.data and title == subentry.title:
            return
        self._stored[meter_id] = subentry.data, subentry.title
        if (meter := _meter(subentry)) is None:
            return
        before = self._applied.get(meter_id)
        self._applied[meter_id] = meter
        if before is None:
            coordinator = _add_meter(hass, entry, meter)
        elif meter != before:
            coordinator = entry.runtime_data.coordinators[meter_id]
            _drop_entities(hass, entry, before, meter)
            coordinator.async_set_meter(meter)
            device = _register_device(hass, coordinator)
            if meter.title != before.title:
                async_name_device(hass, device.id, meter.title)
        else:
            return
        async_dispatcher_send(
            hass, SIGNAL_METER_CHANGED.format(entry.entry_id), coordinator
        )


def _is_unloading(entry: MBusConfigEntry) -> bool:
    return entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS


def _connection(entry: MBusConfigEntry) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return entry.title, dict(entry.data), dict(entry.options)


def _meters(entry: MBusConfigEntry) -> Iterator[Meter]:
    subentries = entry.get_subentries_of_type(SUBENTRY_METER)
    return filter(None, map(_meter, subentries))


def _meter(subentry: ConfigSubentry) -> Meter | None:
    """Return a meter; None for one that another release stored in another way, which stays stored."""
    try:
        return Meter.from_subentry(subentry)
    except (AttributeError, LookupError, TypeError, ValueError) as err:
        LOGGER.error(
            "%s is left out: this release can't read where it is, or who it is (%r). Install the release that stored it,"
            " or delete the meter and add it again",
            subentry.title,
            err,
        )
        return None


@callback
def _add_meter(
    hass: HomeAssistant, entry: MBusConfigEntry, meter: Meter
) -> MeterCoordinator:
    data = entry.runtime_data
    data.coordinators[meter.id] = coordinator = MeterCoordinator(hass, entry, meter)
    _register_device(hass, coordinator)
    data.schedule.async_add(coordinator)
    subentry = entry.subentries.get(meter.id)
    stored = stored_bindings(subentry.data) if subentry else ()
    unread = [f"its {key}" for key in meter.unread]
    if lost := max(0, len(stored) - len(meter.bindings)):
        unread.append(f"{lost} of its bindings")
    if unread:
        LOGGER.warning(
            "%s: this release can't read %s, and leaves that out",
            coordinator.name,
            " and ".join(unread),
        )
    return coordinator


@callback
def _register_device(
    hass: HomeAssistant, coordinator: MeterCoordinator
) -> dr.DeviceEntry:
    """Register a meter's device once for all its entities, or show a changed name or number."""
    return dr.async_get(hass).async_get_or_create(
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
    data.store.notes.forget_meter(meter_id)
    for binding_id in coordinator.meter.bindings:
        _forget_binding(data, binding_id)
    withdraw_all(hass, meter_id)


@callback
def _drop_entities(
    hass: HomeAssistant, entry: MBusConfigEntry, before: Meter, meter: Meter
) -> None:
    """Remove the entities of bindings that are gone."""
    if not (gone := before.bindings.keys() - meter.bindings.keys()):
        return
    registry = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if entity.unique_id.partition("_")[0] in gone:
            registry.async_remove(entity.entity_id)
    for binding_id in gone:
        _forget_binding(entry.runtime_data, binding_id)


def _forget_binding(data: MBusRuntimeData, binding_id: str) -> None:
    data.store.keep_memory({binding_id: {}})
    data.store.notes.forget_import(binding_id)
