"""Writing readings down for a bill."""

from collections.abc import Iterator
from typing import Final

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import ATTR_AREA_ID, ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
import voluptuous as vol

from ..const import DOMAIN, SUBENTRY_METER
from ..meters.reading import Reading
from ..polling.coordinator import MBusConfigEntry, MeterCoordinator
from ..polling.store import stored_reading
from ..presentation.table import TableRow, as_csv, row_without_reading
from ..presentation.texts import async_get_texts
from ..protocol import MBusError
from .fields import one_of, refused
from .files import async_write_new
from .taking import rows_of_reading
from .targets import connection_of

LAST: Final = "last"
TAKEN: Final = "taken"
ATTR_LABEL_ID: Final = "label_id"

_SOME: Final = vol.All(cv.ensure_list, [cv.string])

EXPORT_READINGS: Final = vol.Schema(
    {
        vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
        vol.Optional(ATTR_AREA_ID): _SOME,
        vol.Optional(ATTR_LABEL_ID): _SOME,
        vol.Optional("readings", default=LAST): one_of((LAST, TAKEN)),
        vol.Optional("filename"): cv.string,
        vol.Optional("decimal_comma", default=False): cv.boolean,
        vol.Optional("byte_order_mark", default=False): cv.boolean,
    }
)


async def async_export_readings(call: ServiceCall) -> ServiceResponse:
    """Write readings as CSV into a new file, or answer with it; a meter without one has a line that says so."""
    filename: str | None = call.data.get("filename")
    if not (filename or call.return_response):
        raise refused("nowhere_to_write")
    texts = await async_get_texts(call.hass)
    rows, missing = list[TableRow](), list[ConfigSubentry]()
    for entry, subentry in _chosen(call):
        coordinator = _running(entry, subentry.subentry_id)
        reading = coordinator and _reading(coordinator, call.data["readings"])
        if coordinator and reading:
            rows += rows_of_reading(coordinator, reading, texts)
        else:
            missing.append(subentry)
    if not rows:
        raise refused("nothing_to_export")
    rows += [row_without_reading(subentry, texts) for subentry in missing]
    text = as_csv(
        rows,
        decimal_comma=call.data["decimal_comma"],
        byte_order_mark=call.data["byte_order_mark"],
    )
    path = await async_write_new(call.hass, filename, text) if filename else None
    if not call.return_response:
        return None
    return {
        "csv": text,
        "path": path,
        "rows": len(rows),
        "missing": [subentry.title for subentry in missing],
    }


@callback
def _chosen(call: ServiceCall) -> Iterator[tuple[MBusConfigEntry, ConfigSubentry]]:
    """Yield the meters of a connection or of all, whether they run or not, in the areas or with the labels asked for."""
    entries: list[MBusConfigEntry] = (
        [connection_of(call)]
        if ATTR_CONFIG_ENTRY_ID in call.data
        else call.hass.config_entries.async_entries(DOMAIN, include_disabled=False)
    )
    areas, labels = call.data.get(ATTR_AREA_ID), call.data.get(ATTR_LABEL_ID)
    for entry in entries:
        for subentry in entry.get_subentries_of_type(SUBENTRY_METER):
            device = _device(call.hass, entry, subentry.subentry_id)
            if (areas is None or (device and device.area_id in areas)) and (
                labels is None or (device and not device.labels.isdisjoint(labels))
            ):
                yield entry, subentry


@callback
def _device(
    hass: HomeAssistant, entry: MBusConfigEntry, meter_id: str
) -> dr.DeviceEntry | None:
    return dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, meter_id), entry.entry_id
    )


def _running(entry: MBusConfigEntry, meter_id: str) -> MeterCoordinator | None:
    if entry.state is not ConfigEntryState.LOADED:
        return None
    return entry.runtime_data.coordinators.get(meter_id)


def _reading(coordinator: MeterCoordinator, which: str) -> Reading | None:
    """Return a meter's last reading, or that which was taken last."""
    if which == LAST:
        return coordinator.data.reading
    taken = coordinator.config_entry.runtime_data.store.notes.taken
    try:
        reading = stored_reading(taken[coordinator.meter.id])
    except LookupError, MBusError, TypeError, ValueError:
        return None
    return reading if reading.is_of(coordinator.meter.identity) else None
