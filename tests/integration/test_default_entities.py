"""Which entities a meter has before a person asks for more."""

from collections.abc import Iterable

from homeassistant.const import STATE_OFF, STATE_ON, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.mbus.const import CONF_BINDINGS, CONF_SHORTEST_PERIOD, DOMAIN
from tests.simulator import ElectricityMeter, SimulatedBus

from .conftest import CreateEntry, let_poll
from .test_meter_entities import read_now, state_of

LOW, WELL = 0x04, 0x00


@pytest.fixture(autouse=True)
def wanted_sensors() -> None:
    """Ask for no more than there is by itself."""


def of_meter(entities: Iterable[er.RegistryEntry], meter_id: str) -> set[str]:
    """Return which of entities are the meter's own."""
    return {
        entity.unique_id.removeprefix(f"{meter_id}_")
        for entity in entities
        if entity.unique_id.startswith(meter_id)
    }


async def test_a_meter_brings_its_sensors_and_little_else(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """Enabled are its records, its address, events and problem, and the button; the rest is there to be enabled."""
    entry = await create_entry(2)
    registry = er.async_get(hass)
    entities = er.async_entries_for_config_entry(registry, entry.entry_id)
    enabled = [entity for entity in entities if not entity.disabled]
    records = {
        binding["id"] for binding in entry.subentries["meter2"].data[CONF_BINDINGS]
    }
    assert of_meter(enabled, "meter2") == {"address", "events", "problem", "read_now"}
    assert records <= {entity.unique_id for entity in enabled}
    disabled = [entity for entity in entities if entity.disabled]
    assert of_meter(disabled, "meter2") == {
        "binding_state",
        "last_read",
        "status",
        "synchronise_clock",
    }


async def test_what_is_enabled_comes_with_the_reload(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """It has a state, and what was left disabled has none."""
    entry = await create_entry(2)
    registry = er.async_get(hass)
    status = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, "meter2_status")
    assert status and hass.states.get(status) is None

    registry.async_update_entity(status, disabled_by=None)
    await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass)
    assert state_of(hass, Platform.SENSOR, "meter2_status").state == "ok"
    last_read = registry.async_get_entity_id(
        Platform.SENSOR, DOMAIN, "meter2_last_read"
    )
    assert last_read and hass.states.get(last_read) is None


async def test_a_battery_is_known_once_it_was_low(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """It is shown from that reading on, when it is well again and after a reload, too."""
    entry = await create_entry(2)
    registry = er.async_get(hass)

    def battery() -> str | None:
        return registry.async_get_entity_id(
            Platform.BINARY_SENSOR, DOMAIN, "meter2_battery_low"
        )

    assert battery() is None
    bus.meters[1].status = LOW
    await read_now(hass, "meter2")
    await hass.async_block_till_done()
    state = state_of(hass, Platform.BINARY_SENSOR, "meter2_battery_low")
    assert state.state == STATE_ON

    bus.meters[1].status = WELL
    await hass.config_entries.async_reload(entry.entry_id)
    await read_now(hass, "meter2")
    state = state_of(hass, Platform.BINARY_SENSOR, "meter2_battery_low")
    assert state.state == STATE_OFF


async def test_a_battery_that_its_profile_knows_of(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """A meter that is read seldom to save a battery has one."""
    entry = await create_entry(2, setup=False)
    subentry = entry.subentries["meter2"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_SHORTEST_PERIOD: 900}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    state = state_of(hass, Platform.BINARY_SENSOR, "meter2_battery_low")
    assert state.state == STATE_OFF


async def test_an_electricity_meter_has_no_battery(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """What an earlier release showed as one goes."""
    bus.meters.append(ElectricityMeter(3))
    bus.meters[2].status = LOW
    entry = await create_entry(3, setup=False)
    registry = er.async_get(hass)
    earlier = registry.async_get_or_create(
        Platform.BINARY_SENSOR, DOMAIN, "meter3_battery_low", config_entry=entry
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert registry.async_get(earlier.entity_id) is None
    assert state_of(hass, Platform.BINARY_SENSOR, "meter3_problem").state == STATE_OFF


async def test_a_later_entity_bears_the_name_a_person_gave_the_device(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The device is registered once, and looked at whenever an entity is added."""
    entry = await create_entry(2)
    device_id = dr.async_get_device_id_by_identifier(
        hass, (DOMAIN, "meter2"), config_entry_id=entry.entry_id
    )
    dr.async_get(hass).async_update_device(device_id, name_by_user="Garden")
    bus.meters[1].status = LOW
    await read_now(hass, "meter2")
    await hass.async_block_till_done()
    state = state_of(hass, Platform.BINARY_SENSOR, "meter2_battery_low")
    assert state.name.startswith("Garden ")
