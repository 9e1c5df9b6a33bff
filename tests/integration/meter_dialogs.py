"""Going through the dialogs of a meter that is there, and what they show."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, SubentryFlowContext
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import SUBENTRY_METER

from .dialogs import Dialog


async def configure_meter(
    hass: HomeAssistant, entry: MockConfigEntry, subentry_id: str, *options: str
) -> Dialog:
    """Start the gear of a meter and choose from its menus."""
    flows = hass.config_entries.subentries
    context = SubentryFlowContext(source=SOURCE_RECONFIGURE, subentry_id=subentry_id)
    handler = (entry.entry_id, SUBENTRY_METER)
    result = await flows.async_init(handler, context=context)
    dialog = Dialog(flows, dict(result))
    for option in options:
        await dialog.choose(option)
    return dialog


async def edit_binding(
    hass: HomeAssistant, entry: MockConfigEntry, name: str, step: str
) -> Dialog:
    """Go to a form of the binding of the one meter that has this name."""
    [(subentry_id, subentry)] = entry.subentries.items()
    [binding_id] = [
        item["id"] for item in subentry.data["bindings"] if item["name"] == name
    ]
    dialog = await configure_meter(hass, entry, subentry_id, "edit_binding")
    await dialog.submit({"binding": binding_id})
    await dialog.choose(step)
    return dialog


def options_of(result: Mapping[str, Any], field: str) -> dict[str, str]:
    """Return what a list offers: labels by value."""
    selector = next(
        value for key, value in result["data_schema"].schema.items() if key == field
    )
    return {option["value"]: option["label"] for option in selector.config["options"]}


def ticked(result: Mapping[str, Any], field: str) -> list[str]:
    """Return what is ticked from the start."""
    marker = next(key for key in result["data_schema"].schema if key == field)
    return list(marker.default())


def suggested(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form is filled in with, without sections."""
    return {
        str(marker): marker.description["suggested_value"]
        for marker in result["data_schema"].schema
        if marker.description
    }


def bindings_of(entry: MockConfigEntry, subentry_id: str) -> dict[str, dict[str, Any]]:
    """Return what is stored of a meter's bindings, by name."""
    bindings = entry.subentries[subentry_id].data["bindings"]
    return {item["name"]: dict(item) for item in bindings}


async def read_meters(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Have every meter read now."""
    for coordinator in entry.runtime_data.coordinators.values():
        await coordinator.async_read_now()
    await hass.async_block_till_done()
