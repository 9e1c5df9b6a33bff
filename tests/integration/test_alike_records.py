"""Records of the same meaning: none is ever taken for another one."""

from datetime import timedelta
from typing import Any, override

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import CONF_BINDINGS
from custom_components.mbus.flows.adding import bind
from tests.simulator import SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .meter_dialogs import bindings_of, edit_binding, suggested
from .test_guards import VOLUME, Meter, errors_of, fix, state_of
from .test_transformed_meter import Clock, clock as clock_that_stands, poll

clock = clock_that_stands
REPAIR = "records_changed_meter7"
POLL = timedelta(minutes=5)


class TwoTelegrams(Meter):
    """Sends each of its records in a telegram of its own."""

    @override
    def telegrams(self) -> list[bytes]:
        return self.records


def energy(kilowatt_hours: int) -> bytes:
    """Return the record of a total."""
    return integer("04 06", kilowatt_hours)


@pytest.fixture
def meter(bus: SimulatedBus) -> Meter:
    """Return a meter at 7 that has one total."""
    meter = Meter(7, energy(100), VOLUME, identification="12345678")
    bus.meters = [meter]
    return meter


async def test_another_one_comes_before_it(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """Which of the two it is now can't be told, though one stands where it did."""
    await create_entry(7)
    assert state_of(hass, "energy") == "100"
    meter.records = [energy(777), VOLUME, energy(101)]
    await let_poll(hass, 301)
    assert state_of(hass, "energy") == STATE_UNAVAILABLE
    assert state_of(hass, "volume") == "6.789"
    assert "more than one is Energy" in errors_of(hass)["energy"]

    meter.records = [energy(102), VOLUME]
    await let_poll(hass, 301)
    assert state_of(hass, "energy") == "102"


async def test_one_of_two_is_left(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """It may be either: a person says which it is."""
    meter.records = [energy(100), VOLUME, energy(200)]
    await create_entry(7)
    meter.records = [energy(201), VOLUME]
    await let_poll(hass, 301)
    assert state_of(hass, "energy") == STATE_UNAVAILABLE
    result = await fix(hass, hass_client, REPAIR)
    assert result["step_id"] == "not_found"


@pytest.mark.parametrize("gone", [0, 1])
async def test_one_of_two_telegrams_has_it_no_more(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
    gone: int,
) -> None:
    """The one that is left goes on to be the one it was, and is not offered for the other."""
    meter = TwoTelegrams(
        7, energy(100), energy(200) + VOLUME, identification="12345678"
    )
    bus.meters = [meter]
    entry = await create_entry(7)
    await bind_second_energy(hass, entry)
    await let_poll(hass, 301)
    assert (state_of(hass, "energy"), state_of(hass, "energy_2")) == ("100", "200")

    meter.records[gone] = meter.records[gone].replace(
        energy(100 * (gone + 1)), integer("04 2B", 5)
    )
    await let_poll(hass, 301)
    result = await fix(hass, hass_client, REPAIR)
    assert result["step_id"] == "not_found"


async def bind_second_energy(hass: HomeAssistant, entry: Any) -> None:
    """Bind the total of the second telegram."""
    subentry = entry.subentries["meter7"]
    bindings = subentry.data[CONF_BINDINGS]
    telegrams = entry.runtime_data.coordinators["meter7"].data.reading.telegrams
    second = bind(telegrams, 1, 0, [item["name"] for item in bindings])
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: [*bindings, second]}
    )
    await hass.async_block_till_done()


RATE = {"id": "rate", "type": "derivative", "time_unit": "h"}
POWER = {"unit": "kW", "device_class": "power", "state_class": "measurement"}


@pytest.mark.parametrize("other", [20, 5_000])
async def test_chain_does_not_compare_them(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    clock: Clock,
    other: int,
) -> None:
    """A binding that a person moves to the other one begins there anew."""
    meter.records = [energy(100), VOLUME, energy(other)]
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    first, *others = subentry.data[CONF_BINDINGS]
    changed = {**first, "transformations": [RATE], "presentation": POWER}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: [changed, *others]}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await poll(hass)
    clock.now += POLL
    meter.records[0] = energy(101)
    await poll(hass)
    assert state_of(hass, "energy") == "12.0"

    dialog = await edit_binding(hass, entry, "energy", "binding_settings")
    await dialog.submit(suggested(dialog.result) | {"index": 2})
    await hass.async_block_till_done()
    assert bindings_of(entry, "meter7")["energy"]["index"] == 2
    assert state_of(hass, "energy") == "unknown"
    assert errors_of(hass) == {}
    clock.now += POLL
    meter.records[2] = energy(other + 2)
    await poll(hass)
    assert state_of(hass, "energy") == "24.0"
