"""Actions: what automations and administrators may do with meters and connections."""

from typing import Final

from homeassistant.core import HomeAssistant, ServiceCall, SupportsResponse, callback
from homeassistant.helpers.service import async_register_admin_service
import voluptuous as vol

from .actions.bill import EXPORT_READINGS, async_export_readings
from .actions.bus import (
    SEARCH,
    SEND_RAW_FRAME,
    SYNCHRONISE,
    THE_BUS,
    async_clear_trace,
    async_get_bus_table,
    async_get_trace,
    async_search,
    async_send_raw_frame,
    async_synchronise,
)
from .actions.fleet import (
    EXPORT_METERS,
    IMPORT_METERS,
    async_export_meters,
    async_import_meters,
)
from .actions.history import IMPORT_HISTORY, async_import_history
from .actions.meters import (
    APPLICATION_RESET,
    READ_METER,
    SET_BAUD_RATE,
    SET_CLOCK,
    SET_PRIMARY_ADDRESS,
    WRITE_RECORD,
    async_application_reset,
    async_read_meter,
    async_set_baud_rate,
    async_set_clock,
    async_set_primary_address,
    async_write_record,
)
from .actions.taking import TAKE_READINGS, async_take_readings
from .const import DOMAIN
from .polling.issues import report_profile_files
from .profiles.catalogue import async_reload_catalogue

_RELOAD_PROFILES: Final = vol.Schema({})


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions: whatever changes a meter, shows its number or takes the bus is the administrators'."""
    on_request, always = SupportsResponse.OPTIONAL, SupportsResponse.ONLY
    admin = async_register_admin_service
    hass.services.async_register(
        DOMAIN, "read_meter", async_read_meter, READ_METER, on_request
    )
    admin(hass, DOMAIN, "write_record", async_write_record, WRITE_RECORD, on_request)
    admin(
        hass,
        DOMAIN,
        "set_primary_address",
        async_set_primary_address,
        SET_PRIMARY_ADDRESS,
    )
    admin(hass, DOMAIN, "set_baud_rate", async_set_baud_rate, SET_BAUD_RATE)
    admin(hass, DOMAIN, "set_clock", async_set_clock, SET_CLOCK)
    admin(hass, DOMAIN, "application_reset", async_application_reset, APPLICATION_RESET)
    admin(hass, DOMAIN, "search", async_search, SEARCH, always)
    admin(hass, DOMAIN, "synchronise", async_synchronise, SYNCHRONISE)
    admin(
        hass,
        DOMAIN,
        "send_raw_frame",
        async_send_raw_frame,
        SEND_RAW_FRAME,
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
    admin(hass, DOMAIN, "get_trace", async_get_trace, THE_BUS, always)
    admin(hass, DOMAIN, "get_bus_table", async_get_bus_table, THE_BUS, always)
    admin(hass, DOMAIN, "clear_trace", async_clear_trace, THE_BUS)
    admin(hass, DOMAIN, "reload_profiles", _async_reload_profiles, _RELOAD_PROFILES)


async def _async_reload_profiles(call: ServiceCall) -> None:
    """Read the meter profiles anew, a user's own among them."""
    report_profile_files(call.hass, await async_reload_catalogue(call.hass))
