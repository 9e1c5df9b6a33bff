"""A meter of another family in the place of one: what the old one meant by its codes is not said of the new one."""

from collections.abc import Callable
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import (
    CONF_BINDINGS,
    CONF_HAS_BATTERY,
    CONF_PROFILE,
    CONF_SHORTEST_PERIOD,
    DOMAIN,
)
from custom_components.mbus.meters.bound import bound_to_block
from custom_components.mbus.profiles.catalogue import AUTOMATIC, cached_catalogue
from tests.simulator import SimulatedBus
from tests.simulator.records import bcd

from .conftest import CreateEntry, let_poll
from .meter_dialogs import bindings_of, configure_meter, suggested
from .test_guards import ENERGY, Meter, errors_of, fix, state_of
from .test_profiles import abb as abb_at_7
from .test_seams import QUIRKS

abb = abb_at_7
REPAIR = "records_changed_meter7"
SCALING = {"id": "half", "type": "scaling", "factor": 0.5, "shift": 0}


def replace(meter: Meter, *, by_its_like: bool = False) -> None:
    """Put another meter in the place of one, which sends the same records."""
    meter.identification = "87654321"
    if not by_its_like:
        meter.manufacturer = "SIM"


async def adopt_by_repair(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    client: ClientSessionGenerator,
) -> None:
    """Adopt the new meter at the old address."""
    await let_poll(hass, 301)
    choice = {"next_step_id": "adopt"}
    result = await fix(hass, client, "other_meter_meter7", choice, {})
    assert result["type"] == "create_entry"
    await let_poll(hass)


async def adopt_by_settings(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    client: ClientSessionGenerator,
) -> None:
    """Adopt the new meter at another address."""
    meter.address = 8
    dialog = await configure_meter(hass, entry, "meter7", "meter_settings")
    form = suggested(dialog.result) | {"quirks": QUIRKS, "address": "8"}
    await dialog.submit(form)
    await dialog.wait()
    await dialog.choose("adopt_meter")
    await let_poll(hass)


@pytest.mark.parametrize("adopt", [adopt_by_repair, adopt_by_settings])
async def test_records_of_a_maker(
    hass: HomeAssistant,
    abb: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
    adopt: Callable[..., Any],
) -> None:
    """What means the same goes on; of the rest a person says what it is, and gets what the standard says."""
    entry = await create_entry(7)
    assert state_of(hass, "reactive_energy") == "8.55"
    replace(abb)
    await adopt(hass, entry, abb, hass_client)

    assert state_of(hass, "meter_12345678_energy") == "90.13"
    assert state_of(hass, "reactive_energy") == STATE_UNAVAILABLE
    assert state_of(hass, "energy_export") == STATE_UNAVAILABLE
    assert {*errors_of(hass)} == {"reactive_energy", "energy_export"}
    assert "choose its record" in errors_of(hass)["reactive_energy"]

    left = await fix(hass, hass_client, REPAIR)
    assert left["step_id"] == "not_found"
    names = ["reactive_energy", "energy_export"]
    places = [bindings_of(entry, "meter7")[name]["index"] for name in names]
    stored = [item["name"] for item in entry.subentries["meter7"].data[CONF_BINDINGS]]
    if stored.index(names[0]) > stored.index(names[1]):
        places.reverse()
    choices = [{"record": f"0.{index}"} for index in places]
    chosen = {"next_step_id": "choose_record"}
    result = await fix(hass, hass_client, REPAIR, chosen, *choices)
    assert result["type"] == "create_entry"
    assert errors_of(hass) == {}
    assert state_of(hass, "reactive_energy") == "8.55"
    state = hass.states.get("sensor.abb_electricity_meter_12345678_reactive_energy")
    assert state is not None
    assert state.attributes["unit_of_measurement"] == "kWh"
    assert ir.async_get(hass).async_get_issue(DOMAIN, REPAIR) is None


async def test_its_like(
    hass: HomeAssistant,
    abb: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """Of a meter of the same kind all that was known holds, by whatever profile."""
    entry = await create_entry(7)
    subentry = entry.subentries["meter7"]
    chosen = {**subentry.data, CONF_PROFILE: "abb_a4x_b2x"}
    hass.config_entries.async_update_subentry(entry, subentry, data=chosen)
    await hass.async_block_till_done()
    replace(abb, by_its_like=True)
    await adopt_by_repair(hass, entry, abb, hass_client)
    assert errors_of(hass) == {}
    assert state_of(hass, "reactive_energy") == "8.55"
    assert entry.subentries["meter7"].data[CONF_PROFILE] == "abb_a4x_b2x"

    replace(abb)
    abb.identification = "11111111"
    await adopt_by_repair(hass, entry, abb, hass_client)
    assert state_of(hass, "reactive_energy") == STATE_UNAVAILABLE
    assert entry.subentries["meter7"].data[CONF_PROFILE] == AUTOMATIC


async def test_bytes_of_a_maker(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """A block of the same length is none of the old maker's; a person removes what is left of it."""
    block = bytes(30) + bcd("0C 13", 12_345)[2:] + bytes(15)
    meter = Meter(
        7,
        ENERGY,
        b"\x0f" + block,
        identification="12345678",
        manufacturer="KAM",
        version=1,
        medium=4,
    )
    bus.meters = [meter]
    entry = await create_entry(7)
    reading = entry.runtime_data.coordinators["meter7"].data.reading
    profile = cached_catalogue(hass).profile_for(reading.telegrams)
    assert profile
    pulses, *_ = profile.block_fields
    subentry = entry.subentries["meter7"]
    bindings = [
        {**item, "transformations": [SCALING]} for item in subentry.data[CONF_BINDINGS]
    ]
    bindings.append({"id": "pulses", "name": "pulses", **bound_to_block(0, pulses)})
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: bindings}
    )
    await let_poll(hass)
    assert state_of(hass, "pulses") == "123.45"

    replace(meter)
    await adopt_by_repair(hass, entry, meter, hass_client)
    assert state_of(hass, "pulses") == STATE_UNAVAILABLE
    assert state_of(hass, "energy") == "6172.5"
    result = await fix(hass, hass_client, REPAIR, {"next_step_id": "remove"})
    assert result["type"] == "create_entry"
    assert errors_of(hass) == {}


async def test_battery_of_a_family(
    hass: HomeAssistant,
    abb: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """The new meter is not held to how often the old one's battery let it be read."""
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    settings = {CONF_SHORTEST_PERIOD: 86_400, CONF_HAS_BATTERY: True}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **settings}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    replace(abb)
    await let_poll(hass, 86_401)
    await adopt_by_repair(hass, entry, abb, hass_client)
    assert state_of(hass, "meter_12345678_energy") == "90.13"
    abb.records[0] = bcd("0E 84 00", 9014)
    await let_poll(hass, 301)
    assert state_of(hass, "meter_12345678_energy") == "90.14"
