"""Totals that go back: set back, or registers that count both ways."""

from typing import Any

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import CONF_BINDINGS, CONF_ON_DEMAND
from tests.simulator import SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .meter_dialogs import read_meters
from .test_guards import Meter, errors_of, meter as meter_at_7, state_of

meter = meter_at_7
HALF = {"id": "half", "type": "scaling", "factor": 0.5, "shift": 0}
LIMIT = {"id": "limit", "type": "limit_control", "lower": 0}
DAMPER = {"id": "damper", "type": "damper", "lag": 1e-6}


async def set_up(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    settings: dict[str, Any],
    **binding: Any,
) -> None:
    """Set up the meter with settings of its own, its energy's binding changed."""
    subentry = entry.subentries["meter7"]
    energy, *others = subentry.data[CONF_BINDINGS]
    bindings = [{**energy, **binding}, *others]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **settings, CONF_BINDINGS: bindings}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)


async def test_read_on_demand(
    hass: HomeAssistant, bus: SimulatedBus, meter: Meter, create_entry: CreateEntry
) -> None:
    """Who asks for a reading is asking for the one that tells, too; nobody asks for more."""
    entry = await create_entry(7, setup=False)
    await set_up(hass, entry, {CONF_ON_DEMAND: True})
    assert state_of(hass, "energy") == "12345"
    meter.records[0] = integer("04 06", 5)
    bus.requests.clear()
    await read_meters(hass, entry)
    await let_poll(hass)
    assert state_of(hass, "energy") == "5"
    assert sum(request[1] in (0x5B, 0x7B) for request in bus.requests) == 2
    bus.requests.clear()
    await let_poll(hass, 100_000)
    assert not bus.requests


@pytest.mark.parametrize(
    ("steps", "total"),
    [([], 12_340), ([HALF], 6170), ([HALF, LIMIT], 6170), ([LIMIT], 12_340)],
)
async def test_register_that_a_person_knows_to_go_back(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    steps: list[dict[str, Any]],
    total: int,
) -> None:
    """With the state class *Total* it is shown at once, whatever chain it has that can't fall by itself."""
    entry = await create_entry(7, setup=False)
    presentation = {"state_class": "total"}
    await set_up(hass, entry, {}, transformations=steps, presentation=presentation)
    meter.records[0] = integer("04 06", 12_340)
    bus.requests.clear()
    await let_poll(hass, 301)
    assert float(state_of(hass, "energy")) == total
    assert sum(request[1] in (0x5B, 0x7B) for request in bus.requests) == 1


async def test_total_that_must_not_fall_behind_a_damper(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """That its chain is *Total* says nothing of the record; what would help is told."""
    entry = await create_entry(7, setup=False)
    await set_up(
        hass,
        entry,
        {CONF_ON_DEMAND: True},
        transformations=[DAMPER],
        presentation={"state_class": "total"},
    )
    meter.records[0] = integer("04 06", 12_340)
    await read_meters(hass, entry)
    assert state_of(hass, "energy") == STATE_UNKNOWN
    assert "set its state class to Total" in errors_of(hass)["energy"]
