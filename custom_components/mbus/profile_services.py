"""The action that takes up changed profiles of a user's own."""

from typing import Final

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers.service import async_register_admin_service

from .const import DOMAIN
from .polling.issues import report_profile_files
from .profiles.library import async_reload_library

SERVICE_RELOAD_PROFILES: Final = "reload_profiles"


@callback
def async_setup_profile_services(hass: HomeAssistant) -> None:
    """Register the action."""

    async def async_reload(call: ServiceCall) -> None:
        report_profile_files(hass, await async_reload_library(hass))

    async_register_admin_service(hass, DOMAIN, SERVICE_RELOAD_PROFILES, async_reload)
