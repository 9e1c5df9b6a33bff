"""One name for a meter and its device: the last one that a person gave to either."""

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from ..const import DOMAIN
from .coordinator import MBusConfigEntry


@callback
def async_follow_device_names(hass: HomeAssistant, entry: MBusConfigEntry) -> None:
    """Call meters what a person calls their devices in Home Assistant, from now on and since the last time."""
    registry = dr.async_get(hass)

    @callback
    def take_names(device_id: str | None) -> None:
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
            if device_id not in (None, device.id) or not device.name_by_user:
                continue
            for domain, meter_id in device.identifiers:
                if domain == DOMAIN and (subentry := entry.subentries.get(meter_id)):
                    hass.config_entries.async_update_subentry(
                        entry, subentry, title=device.name_by_user
                    )

    @callback
    def updated(event: Event[dr.EventDeviceRegistryUpdatedData]) -> None:
        if event.data["action"] == "update" and (
            "name_by_user" in event.data["changes"]
        ):
            take_names(event.data["device_id"])

    take_names(None)
    entry.async_on_unload(
        hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, updated)
    )


@callback
def async_name_device(hass: HomeAssistant, device_id: str, title: str) -> None:
    """Let a new name of a meter take the place of the one that a person gave its device before."""
    registry = dr.async_get(hass)
    device = registry.async_get(device_id)
    if device and device.name_by_user not in (None, title):
        registry.async_update_device(device_id, name_by_user=None)
