"""Actions: what automations and administrators may do with meters and connections."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from homeassistant.const import CONF_ADDRESS
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from .actions.bill import EXPORT_READINGS, async_export_readings
from .actions.fields import (
    CONNECTION,
    METER,
    METERS,
    hex_bytes,
    moment,
    number_or_text,
    one_of,
    refused,
    whole_number,
)
from .actions.fleet import (
    EXPORT_METERS,
    IMPORT_METERS,
    async_export_meters,
    async_import_meters,
)
from .actions.history import IMPORT_HISTORY, async_import_history
from .actions.taking import TAKE_READINGS, async_take_readings
from .actions.targets import (
    answer_of,
    async_check_control,
    async_on_each,
    async_try_each,
    connection_of,
    meters_of,
    told_in_plain_words,
)
from .const import CONF_BACKUP, CONF_BAUD_RATE, DOMAIN
from .flows.meter_search import MeterSearch
from .meters.meter import meter_unique_id
from .polling.coordinator import MeterCoordinator
from .polling.issues import report_profile_files
from .polling.meter_clock import async_set_clock
from .polling.survey import bus_table
from .polling.writing import codable
from .presentation.record_data import hex_data, reading_data, value_data
from .presentation.texts import async_get_texts, option_key
from .profiles.catalogue import async_get_catalogue, async_reload_catalogue
from .protocol import (
    BAUD_RATES,
    LAST_PRIMARY,
    Bus,
    Found,
    Readout,
    Record,
    Way,
    application_reset,
    find_record,
    send_raw,
    set_baud_rate,
    set_primary_address,
    synchronise,
    write_record,
)

_METHOD_BOTH: Final = "both"
_METHOD_PRIMARY: Final = "primary"
_METHOD_SECONDARY: Final = "secondary"


_READ_METER: Final = vol.Schema(METERS)
_WRITE_RECORD: Final = vol.Schema(
    {
        **METERS,
        vol.Required("header"): hex_bytes,
        vol.Required("value"): number_or_text,
    }
)
_SET_PRIMARY_ADDRESS: Final = vol.Schema(
    {**METER, vol.Required("address"): whole_number(0, LAST_PRIMARY)}
)
_SET_BAUD_RATE: Final = vol.Schema(
    {
        **METER,
        vol.Required("baud_rate"): vol.All(
            whole_number(min(BAUD_RATES), max(BAUD_RATES)), one_of(BAUD_RATES)
        ),
    }
)
_SET_CLOCK: Final = vol.Schema({**METERS, vol.Optional("datetime"): moment})
_APPLICATION_RESET: Final = vol.Schema(
    {**METERS, vol.Optional("sub_code"): whole_number(0, 255)}
)
_SEARCH: Final = vol.Schema(
    {
        **CONNECTION,
        vol.Optional("method", default=_METHOD_BOTH): one_of(
            (_METHOD_BOTH, _METHOD_SECONDARY, _METHOD_PRIMARY)
        ),
    }
)
_SYNCHRONISE: Final = vol.Schema(
    {**CONNECTION, vol.Optional("classic", default=False): cv.boolean}
)
_SEND_RAW_FRAME: Final = vol.Schema({**CONNECTION, vol.Required("frame"): hex_bytes})
_TRACE: Final = vol.Schema(CONNECTION)
_RELOAD_PROFILES: Final = vol.Schema({})


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions: whatever changes a meter, shows its number or takes the bus is the administrators'."""
    on_request, always = SupportsResponse.OPTIONAL, SupportsResponse.ONLY
    admin = async_register_admin_service
    hass.services.async_register(
        DOMAIN, "read_meter", _async_read_meter, _READ_METER, on_request
    )
    admin(hass, DOMAIN, "write_record", _async_write_record, _WRITE_RECORD, on_request)
    admin(
        hass,
        DOMAIN,
        "set_primary_address",
        _async_set_primary_address,
        _SET_PRIMARY_ADDRESS,
    )
    admin(hass, DOMAIN, "set_baud_rate", _async_set_baud_rate, _SET_BAUD_RATE)
    admin(hass, DOMAIN, "set_clock", _async_set_clock, _SET_CLOCK)
    admin(
        hass, DOMAIN, "application_reset", _async_application_reset, _APPLICATION_RESET
    )
    admin(hass, DOMAIN, "search", _async_search, _SEARCH, always)
    admin(hass, DOMAIN, "synchronise", _async_synchronise, _SYNCHRONISE)
    admin(
        hass,
        DOMAIN,
        "send_raw_frame",
        _async_send_raw_frame,
        _SEND_RAW_FRAME,
        on_request,
    )
    admin(
        hass,
        DOMAIN,
        "import_history",
        async_import_history,
        IMPORT_HISTORY,
        on_request,
    )
    admin(hass, DOMAIN, "take_readings", async_take_readings, TAKE_READINGS, on_request)
    admin(
        hass,
        DOMAIN,
        "export_readings",
        async_export_readings,
        EXPORT_READINGS,
        on_request,
    )
    admin(hass, DOMAIN, "export_meters", async_export_meters, EXPORT_METERS, on_request)
    admin(hass, DOMAIN, "import_meters", async_import_meters, IMPORT_METERS, on_request)
    admin(hass, DOMAIN, "get_trace", _async_get_trace, _TRACE, always)
    admin(hass, DOMAIN, "get_bus_table", _async_get_bus_table, _TRACE, always)
    admin(hass, DOMAIN, "clear_trace", _async_clear_trace, _TRACE)
    admin(hass, DOMAIN, "reload_profiles", _async_reload_profiles, _RELOAD_PROFILES)


async def _async_read_meter(call: ServiceCall) -> ServiceResponse:
    """Read meters; where an answer is wanted, it has the reading of each or says why there is none."""
    meters = meters_of(call)
    await async_check_control(call, meters)
    texts = await async_get_texts(call.hass)

    async def read(coordinator: MeterCoordinator) -> JsonObjectType:
        return reading_data(await coordinator.async_read_now(), texts)

    return answer_of(call, await async_try_each(meters, read))


async def _async_write_record(call: ServiceCall) -> ServiceResponse:
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


async def _async_set_primary_address(call: ServiceCall) -> None:
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


async def _async_set_baud_rate(call: ServiceCall) -> None:
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


async def _async_set_clock(call: ServiceCall) -> None:
    """Set the clocks of meters to a time, or to now."""
    await async_on_each(
        call.hass,
        meters_of(call),
        partial(async_set_clock, moment=call.data.get("datetime")),
    )


async def _async_application_reset(call: ServiceCall) -> None:
    """Reset the application of meters, or select one of their applications."""

    async def reset(coordinator: MeterCoordinator) -> None:
        await _async_command(coordinator, application_reset, call.data.get("sub_code"))

    await async_on_each(call.hass, meters_of(call), reset)


async def _async_search(call: ServiceCall) -> ServiceResponse:
    """Search a bus, and return all meters that answer."""
    entry = connection_of(call)
    runtime = entry.runtime_data
    method: str = call.data["method"]
    search = MeterSearch(
        known=[coordinator.meter for coordinator in runtime.coordinators.values()],
        texts=await async_get_texts(call.hass),
        catalogue=await async_get_catalogue(call.hass),
        by_secondary=method != _METHOD_PRIMARY,
        by_primary=method != _METHOD_SECONDARY,
    )
    with told_in_plain_words(call.hass, entry.title):
        await search.async_run(runtime.connection.turn, lambda progress: None)
    return {
        "meters": [_found(found) for found in search.found.values()],
        "problems": [*search.problems],
    }


async def _async_synchronise(call: ServiceCall) -> None:
    """Tell all meters on a bus to freeze their values."""
    entry = connection_of(call)
    with told_in_plain_words(call.hass, entry.title):
        async with entry.runtime_data.connection.turn(urgent=True) as bus:
            await synchronise(await bus.master(), classic=call.data["classic"])


async def _async_send_raw_frame(call: ServiceCall) -> ServiceResponse:
    """Send bytes as they are, and return what answers."""
    entry = connection_of(call)
    with told_in_plain_words(call.hass, entry.title):
        async with entry.runtime_data.connection.turn(urgent=True) as bus:
            reply = await send_raw(await bus.master(), call.data["frame"])
    return {"reply": hex_data(reply)}


async def _async_get_trace(call: ServiceCall) -> ServiceResponse:
    """Return the last exchanges on a bus, in clear."""
    trace = connection_of(call).runtime_data.connection.trace
    return {"exchanges": [*trace.as_list(masked=False)]}


async def _async_get_bus_table(call: ServiceCall) -> ServiceResponse:
    """Return how well each meter of a connection is heard, with advice in words."""
    data = connection_of(call).runtime_data
    texts = await async_get_texts(call.hass)
    rows = bus_table(data)
    for row in rows:
        meter = data.coordinators[row["meter"]].meter
        row |= {"meter": meter.title, "address": str(meter.address)}
        if row["advice"]:
            row["advice"] = texts[option_key("bus_advice", row["advice"])]
    return {"meters": [*rows]}


async def _async_clear_trace(call: ServiceCall) -> None:
    """Forget the last exchanges on a bus."""
    connection_of(call).runtime_data.connection.trace.clear()


async def _async_reload_profiles(call: ServiceCall) -> None:
    """Read the meter profiles anew, a user's own among them."""
    report_profile_files(call.hass, await async_reload_catalogue(call.hass))


def _found(found: Found) -> JsonObjectType:
    address, header = found.address, found.header
    return {
        "address": address if isinstance(address, int) else str(address),
        "secondary_address": str(found.secondary) if found.secondary else None,
        "identification": header.identification if header else None,
        "manufacturer": header.manufacturer if header else None,
        "medium": header.medium_name if header else None,
    }
