"""Taking the readings of a due date."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..const import DOMAIN
from ..history.stored import has_kept_on
from ..meters.reading import Reading
from ..polling.coordinator import MBusConfigEntry, MeterCoordinator
from ..polling.meter_clock import meter_time
from ..polling.store import as_stored
from ..presentation.reasons import failure_text
from ..presentation.table import TableRow, rows_of
from ..presentation.texts import Texts, async_get_texts, option_key
from ..profiles.catalogue import cached_catalogue
from ..protocol import synchronise
from .fields import CONNECTION, METERS, refused
from .targets import (
    async_try_each,
    connection_of,
    meters_of,
    raise_errors,
    read_in_part,
    told_in_plain_words,
)

TAKE_READINGS: Final = vol.Schema(
    {
        **CONNECTION,
        **{vol.Optional(str(key)): value for key, value in METERS.items()},
        vol.Optional("synchronise", default=False): cv.boolean,
    }
)


async def async_take_readings(call: ServiceCall) -> ServiceResponse:
    """Read the meters of a connection one after another, all frozen at the same moment first where that is wanted.

    A battery meter that was read so lately that its battery wants it left alone is not read again.
    """
    entry = connection_of(call)
    meters = _meters_of(call, entry)
    texts = await async_get_texts(call.hass)
    frozen_at: datetime | None = None
    if call.data["synchronise"]:
        with told_in_plain_words(call.hass, entry.title):
            async with entry.runtime_data.connection.turn(urgent=True) as bus:
                await synchronise(await bus.master())
        frozen_at = dt_util.utcnow()

    rested = {
        device_id: reading
        for device_id, coordinator in meters.items()
        if (reading := _reading_to_rest_on(coordinator))
    }
    to_read = {key: one for key, one in meters.items() if key not in rested}

    async def take(coordinator: MeterCoordinator) -> Reading:
        reading = await coordinator.async_read_now()
        _keep(entry, {coordinator: reading})
        return reading

    # Who is not reached any more has no reading, rather than that of last month.
    _keep(entry, {one: rested.get(key) for key, one in meters.items()})
    outcomes = await async_try_each(to_read, take)
    readings = rested | {
        device_id: outcome
        for device_id, outcome in outcomes.items()
        if isinstance(outcome, Reading)
    }
    errors = {
        device_id: outcome
        for device_id, outcome in outcomes.items()
        if isinstance(outcome, HomeAssistantError)
    } | {
        device_id: read_in_part(call.hass, meters[device_id], reading.error)
        for device_id, reading in readings.items()
        if reading.error
    }
    if frozen_at:
        errors |= {
            device_id: _not_frozen(meters[device_id])
            for device_id in to_read.keys() & readings.keys()
            if not _has_frozen(meters[device_id], frozen_at, readings[device_id])
        }
    if not call.return_response:
        raise_errors(call.hass, errors)
        return None
    return {
        "readings": [
            row.as_dict()
            for device_id in meters
            if device_id in readings
            for row in rows_of_reading(meters[device_id], readings[device_id], texts)
        ],
        "skipped": {
            device_id: _rest_text(meters[device_id], reading, texts)
            for device_id, reading in rested.items()
        },
        "errors": {
            device_id: failure_text(error, texts) for device_id, error in errors.items()
        },
    }


def _keep(
    entry: MBusConfigEntry, readings: Mapping[MeterCoordinator, Reading | None]
) -> None:
    """Keep what is taken, as it is taken: whatever comes next, it is there for the bill."""
    if entry.state is ConfigEntryState.LOADED:
        entry.runtime_data.store.notes.keep_taken(
            {
                coordinator.meter.id: as_stored(reading) if reading else None
                for coordinator, reading in readings.items()
            }
        )


def _meters_of(
    call: ServiceCall, entry: MBusConfigEntry
) -> Mapping[str, MeterCoordinator]:
    """Return the meters asked for, or all of a connection, by their devices."""
    coordinators = entry.runtime_data.coordinators
    if ATTR_DEVICE_ID not in call.data:
        return {
            device.id: coordinators[meter_id]
            for meter_id, device in _devices(call.hass, entry)
            if meter_id in coordinators
        }
    meters = meters_of(call)
    for coordinator in meters.values():
        if coordinator.config_entry is not entry:
            raise refused(
                "meter_of_another_connection",
                meter=coordinator.meter.title,
                connection=entry.title,
            )
    return meters


@callback
def _devices(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> Iterator[tuple[str, dr.DeviceEntry]]:
    """Yield the devices of a connection with the ids of what they stand for."""
    registry = dr.async_get(hass)
    for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
        for domain, identifier in device.identifiers:
            if domain == DOMAIN:
                yield identifier, device


def _reading_to_rest_on(coordinator: MeterCoordinator) -> Reading | None:
    """Return the reading of a battery meter that is so young that the meter is better left alone."""
    reading, shortest = coordinator.data.reading, coordinator.meter.shortest_period
    if reading and shortest and dt_util.utcnow() < reading.time + shortest:
        return reading
    return None


def _rest_text(coordinator: MeterCoordinator, reading: Reading, texts: Texts) -> str:
    return texts[option_key("take_readings", "rests")].format(
        time=dt_util.as_local(reading.time).strftime("%Y-%m-%d %H:%M"),
        minutes=round(coordinator.meter.shortest_period.total_seconds() / 60),
    )


def _has_frozen(
    coordinator: MeterCoordinator, moment: datetime, reading: Reading
) -> bool:
    """Return whether a meter keeps anything of the day that its clock showed then."""
    shown, _ = meter_time(moment, coordinator.meter.clock)
    return has_kept_on(shown.date(), reading.telegrams)


def _not_frozen(coordinator: MeterCoordinator) -> HomeAssistantError:
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="not_frozen",
        translation_placeholders={"meter": coordinator.meter.title},
    )


def rows_of_reading(
    coordinator: MeterCoordinator, reading: Reading, texts: Texts
) -> Iterator[TableRow]:
    """Return what a meter's reading says as rows of a table, by its profile."""
    meter, catalogue = coordinator.meter, cached_catalogue(coordinator.hass)
    interpretations = catalogue.interpret(reading.telegrams, meter.profile)
    return rows_of(meter, reading, interpretations, texts)
