"""What single meters are told: to be read, to take a value, another address, rate or time, to begin anew."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from homeassistant.const import CONF_ADDRESS
from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from ..const import CONF_BACKUP, CONF_BAUD_RATE
from ..meters.meter import meter_unique_id
from ..polling import meter_clock
from ..polling.coordinator import MeterCoordinator
from ..polling.writing import codable
from ..presentation.record_data import reading_data, value_data
from ..presentation.texts import async_get_texts
from ..protocol import (
    BAUD_RATES,
    LAST_PRIMARY,
    Bus,
    Readout,
    Record,
    Way,
    application_reset,
    find_record,
    set_baud_rate,
    set_primary_address,
    write_record,
)
from .fields import (
    METER,
    METERS,
    hex_bytes,
    moment,
    number_or_text,
    one_of,
    refused,
    whole_number,
)
from .targets import (
    answer_of,
    async_check_control,
    async_on_each,
    async_try_each,
    meters_of,
)

READ_METER: Final = vol.Schema(METERS)
WRITE_RECORD: Final = vol.Schema(
    {
        **METERS,
        vol.Required("header"): hex_bytes,
        vol.Required("value"): number_or_text,
    }
)
SET_PRIMARY_ADDRESS: Final = vol.Schema(
    {**METER, vol.Required("address"): whole_number(0, LAST_PRIMARY)}
)
SET_BAUD_RATE: Final = vol.Schema(
    {
        **METER,
        vol.Required("baud_rate"): vol.All(
            whole_number(min(BAUD_RATES), max(BAUD_RATES)), one_of(BAUD_RATES)
        ),
    }
)
SET_CLOCK: Final = vol.Schema({**METERS, vol.Optional("datetime"): moment})
APPLICATION_RESET: Final = vol.Schema(
    {**METERS, vol.Optional("sub_code"): whole_number(0, 255)}
)


async def async_read_meter(call: ServiceCall) -> ServiceResponse:
    """Read meters; where an answer is wanted, it has the reading of each or says why there is none."""
    meters = meters_of(call)
    await async_check_control(call, meters)
    texts = await async_get_texts(call.hass)

    async def read(coordinator: MeterCoordinator) -> JsonObjectType:
        return reading_data(await coordinator.async_read_now(), texts)

    return answer_of(call, await async_try_each(meters, read))


async def async_write_record(call: ServiceCall) -> ServiceResponse:
    """Write a value into the record with a header, and read it back."""
    meters = meters_of(call)
    header: bytes = call.data["header"]
    # Refuse what can't be coded before anything is asked of any meter.
    values = {
        coordinator: codable(coordinator, header, call.data["value"])
        for coordinator in meters.values()
    }

    async def write(coordinator: MeterCoordinator) -> JsonObjectType:
        meter = coordinator.meter
        record: Record | None = None

        async def write_it(bus: Bus) -> Readout:
            nonlocal record
            readout = await write_record(
                await bus.master(),
                meter.address,
                header,
                values[coordinator],
                identity=meter.identity,
                quirks=meter.quirks,
            )
            record = find_record(readout, header)
            return readout

        await coordinator.async_tell(write_it)
        return {"value": None if record is None else value_data(record.value)}

    return await async_on_each(call.hass, meters, write)


async def async_set_primary_address(call: ServiceCall) -> None:
    """Give a meter another primary address, and go on reading it there."""
    new_address: int = call.data["address"]
    unique_id = meter_unique_id(new_address)

    async def set_address(coordinator: MeterCoordinator) -> None:
        entry, meter = coordinator.config_entry, coordinator.meter
        if any(other.unique_id == unique_id for other in entry.subentries.values()):
            raise refused("address_taken", address=str(new_address))
        await _async_command(coordinator, set_primary_address, new_address)
        subentry = entry.subentries.get(meter.id)
        if isinstance(meter.address, int) and subentry:
            call.hass.config_entries.async_update_subentry(
                entry,
                subentry,
                unique_id=unique_id,
                data={**subentry.data, CONF_ADDRESS: new_address},
            )

    await async_on_each(call.hass, meters_of(call), set_address)


async def async_set_baud_rate(call: ServiceCall) -> None:
    """Let a meter speak at another rate, and open the port at this rate from now on."""
    baud_rate: int = call.data["baud_rate"]

    async def set_rate(coordinator: MeterCoordinator) -> None:
        entry = coordinator.config_entry
        way = await _async_command(coordinator, set_baud_rate, baud_rate)
        if way is Way.BACKUP:
            backup = {**entry.options[CONF_BACKUP], CONF_BAUD_RATE: baud_rate}
            options = {**entry.options, CONF_BACKUP: backup}
            call.hass.config_entries.async_update_entry(entry, options=options)
        else:
            data = {**entry.data, CONF_BAUD_RATE: baud_rate}
            call.hass.config_entries.async_update_entry(entry, data=data)

    await async_on_each(call.hass, meters_of(call), set_rate)


async def async_set_clock(call: ServiceCall) -> None:
    """Set the clocks of meters to a time, or to now."""
    await async_on_each(
        call.hass,
        meters_of(call),
        partial(meter_clock.async_set_clock, moment=call.data.get("datetime")),
    )


async def async_application_reset(call: ServiceCall) -> None:
    """Reset the application of meters, or select one of their applications."""

    async def reset(coordinator: MeterCoordinator) -> None:
        await _async_command(coordinator, application_reset, call.data.get("sub_code"))

    await async_on_each(call.hass, meters_of(call), reset)


async def _async_command(
    coordinator: MeterCoordinator,
    command: Callable[..., Awaitable[object]],
    value: int | None,
) -> Way | None:
    """Have a meter told something before any timer's turn, and return the way that was taken."""
    meter = coordinator.meter
    async with coordinator.connection.turn(urgent=True) as bus:
        await command(
            await bus.master(),
            meter.address,
            value,
            identity=meter.identity,
            quirks=meter.quirks,
        )
        return bus.active
