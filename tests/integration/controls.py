"""Binding records for writing, and looking at what becomes of it in Home Assistant and in the meter."""

from typing import Any

from homeassistant.const import ATTR_ENTITY_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import CONF_BINDINGS, DOMAIN
from custom_components.mbus.flows.adding import bind
from custom_components.mbus.protocol import parse_telegram
from tests.simulator import SimulatedMeter

from .conftest import let_poll


async def bind_record(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: SimulatedMeter,
    header: str,
    access: str = "RW",
    *,
    subentry_id: str | None = None,
    **settings: Any,
) -> str:
    """Bind the record of a meter that has this header, and return the binding's id."""
    telegrams = [parse_telegram(frame) for frame in meter.peek()]
    [(telegram, index)] = [
        (number, record.index)
        for number, telegram in enumerate(telegrams)
        for record in telegram.records
        if record.header == bytes.fromhex(header)
    ]
    subentry = entry.subentries[subentry_id or f"meter{meter.address}"]
    bindings = subentry.data[CONF_BINDINGS]
    binding = bind(telegrams, telegram, index, [item["name"] for item in bindings])
    binding |= {"access": access, **settings}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: [*bindings, binding]}
    )
    await let_poll(hass)
    return str(binding["id"])


async def change_binding(
    hass: HomeAssistant, entry: MockConfigEntry, binding_id: str, **changes: Any
) -> None:
    """Store something else of a binding, as its dialogs do."""
    [subentry] = [
        subentry
        for subentry in entry.subentries.values()
        if any(item["id"] == binding_id for item in subentry.data[CONF_BINDINGS])
    ]
    bindings = [
        {**item, **changes} if item["id"] == binding_id else item
        for item in subentry.data[CONF_BINDINGS]
    ]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: bindings}
    )
    await hass.async_block_till_done(wait_background_tasks=True)


def sensor_of(hass: HomeAssistant, binding_id: str) -> str | None:
    """Return the entity id of a binding's sensor."""
    return er.async_get(hass).async_get_entity_id(Platform.SENSOR, DOMAIN, binding_id)


def controls_of(hass: HomeAssistant, binding_id: str) -> list[str]:
    """Return the entity ids of a binding's controls."""
    return [
        entity.entity_id
        for entity in er.async_get(hass).entities.values()
        if entity.unique_id == f"{binding_id}_control"
    ]


def control_of(hass: HomeAssistant, binding_id: str) -> str:
    """Return the entity id of a binding's only control."""
    [entity_id] = controls_of(hass, binding_id)
    return entity_id


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return the state of an entity that has one."""
    state = hass.states.get(entity_id)
    assert state is not None, entity_id
    return state.state


async def call(hass: HomeAssistant, entity_id: str, service: str, **data: Any) -> None:
    """Call a service of an entity's own platform."""
    await hass.services.async_call(
        entity_id.partition(".")[0],
        service,
        {ATTR_ENTITY_ID: entity_id, **data},
        blocking=True,
    )
