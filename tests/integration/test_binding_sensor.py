"""The sensor of a binding in a running Home Assistant: how it is shown, also after the binding was changed."""

import logging
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.mbus.const import CONF_BINDINGS, CONF_METER_CLOCK, DOMAIN
from custom_components.mbus.flows.adding import bind
from custom_components.mbus.polling.coordinator import MBusConfigEntry
from tests.simulator import FrameMeter, SimulatedBus

from .conftest import CreateEntry

METER = "meter7"
HEADER = "78563412 2d2c 01 04 01 00 0000"
RECORDS = (
    "0406 39300000",  # 12345 kWh
    "0406 3a300000",  # 12346 kWh, by the same name
    "142b 39300000",  # at most 12345 W
    "042b d2040000",  # 1234 W
    "046d 1e0a5937",  # 2026-07-25 10:30
    "026c 5f25",  # 2018-05-31
    "02ff20 3412",
)
ENERGY, SECOND_ENERGY, PEAK, POWER, CLOCK, DATE, OTHER = range(len(RECORDS))


@pytest.fixture
async def entry(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> MBusConfigEntry:
    """Return a connection to a meter of which every record is bound."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    data = bytes.fromhex(HEADER + "".join(RECORDS))
    body = bytes((0x08, 7, 0x72)) + data
    frame = (
        bytes((0x68, len(body), len(body), 0x68))
        + body
        + bytes((sum(body) & 0xFF, 0x16))
    )
    bus.meters.append(FrameMeter([frame], 7))
    entry: MBusConfigEntry = await create_entry(7)
    coordinator = entry.runtime_data.coordinators[METER]
    assert coordinator.data.reading is not None
    telegrams = coordinator.data.reading.telegrams
    bindings: list[dict[str, Any]] = []
    for index in range(len(RECORDS)):
        taken = [binding["name"] for binding in bindings]
        bindings.append(bind(telegrams, 0, index, taken) | {"id": f"record{index}"})
    await change(hass, entry, {CONF_BINDINGS: bindings})
    return entry


async def change(
    hass: HomeAssistant, entry: MockConfigEntry, changes: dict[str, Any]
) -> None:
    """Store changes of the meter as a flow does."""
    subentry = entry.subentries[METER]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **changes}
    )
    await hass.async_block_till_done(wait_background_tasks=True)


async def change_binding(
    hass: HomeAssistant, entry: MockConfigEntry, number: int, **changes: Any
) -> None:
    """Store changes of one binding."""
    bindings = list(entry.subentries[METER].data[CONF_BINDINGS])
    bindings[number] = {**bindings[number], **changes}
    await change(hass, entry, {CONF_BINDINGS: bindings})


def entity_id_of(hass: HomeAssistant, index: int) -> str:
    """Return the entity of the record at an index."""
    entity_id = er.async_get(hass).async_get_entity_id(
        Platform.SENSOR, DOMAIN, f"record{index}"
    )
    assert entity_id is not None
    return entity_id


def state_of(hass: HomeAssistant, index: int) -> State:
    """Return the state of the record at an index."""
    state = hass.states.get(entity_id_of(hass, index))
    assert state is not None
    return state


def shown(hass: HomeAssistant, index: int) -> tuple[str, str | None, str | None]:
    """Return value, unit and device class."""
    state = state_of(hass, index)
    unit = state.attributes.get("unit_of_measurement")
    return state.state, unit, state.attributes.get("device_class")


async def test_records_become_sensors(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> None:
    """Each has a name of its own, the unit people are used to, and a value of the right kind."""
    title = entry.subentries[METER].title
    names = [
        state_of(hass, index).name.removeprefix(title).strip()
        for index in range(len(RECORDS))
    ]
    assert names == [
        "Energy",
        "Energy, no. 2",
        "Power, maximum",
        "Power",
        "Date and time",
        "Date",
        "Manufacturer specific, manufacturer code 20",
    ]
    assert [shown(hass, index) for index in range(len(RECORDS))] == [
        ("12345", "kWh", "energy"),
        ("12346", "kWh", "energy"),
        ("12.345", "kW", "power"),
        ("1.234", "kW", "power"),
        ("2026-07-25T09:30:00+00:00", None, "timestamp"),
        ("2018-05-31", None, "date"),
        ("4660", None, None),
    ]
    assert entity_id_of(hass, SECOND_ENERGY).endswith("_energy_2")


async def test_a_title_is_the_name_until_it_is_removed(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> None:
    """The entity id stays; the registered name follows."""
    entity_id = entity_id_of(hass, ENERGY)
    await change_binding(hass, entry, ENERGY, title="House")
    assert state_of(hass, ENERGY).name.endswith(" House")
    registered = er.async_get(hass).async_get(entity_id)
    assert registered is not None
    assert registered.original_name == "House"

    await change_binding(hass, entry, ENERGY, title=None)
    assert state_of(hass, ENERGY).name.endswith(" Energy")


async def test_what_is_set_takes_effect_at_once(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> None:
    """Unit and value change together; at no time there is a value with the other unit."""
    seen = async_capture_events(hass, EVENT_STATE_CHANGED)
    await change_binding(hass, entry, ENERGY, presentation={"unit": "MWh"})
    assert shown(hass, ENERGY) == ("12.345", "MWh", "energy")
    await change_binding(
        hass, entry, ENERGY, presentation={"unit": "GJ", "state_class": "total"}
    )
    assert shown(hass, ENERGY) == ("44.442", "GJ", "energy")
    assert state_of(hass, ENERGY).attributes["state_class"] == "total"
    registered = er.async_get(hass).async_get(entity_id_of(hass, ENERGY))
    assert registered is not None
    assert registered.unit_of_measurement == "GJ"
    assert registered.capabilities == {"state_class": "total"}

    await change_binding(hass, entry, ENERGY, presentation={})
    assert shown(hass, ENERGY) == ("12345", "kWh", "energy")

    values = {"kWh": 12345.0, "MWh": 12.345, "GJ": 44.442}
    for event in seen:
        if event.data["entity_id"] == entity_id_of(hass, ENERGY):
            new = event.data["new_state"]
            unit = new.attributes["unit_of_measurement"]
            assert float(new.state) == pytest.approx(values[unit])


async def test_another_kind_of_value_is_shown_as_such(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> None:
    """A binding that moves to another record, or is integrated, has another unit, class and name."""
    bindings = entry.subentries[METER].data[CONF_BINDINGS]
    place = ("index", "signature", "unit", "header", "layout", "ordinal")
    await change_binding(
        hass, entry, ENERGY, **{key: bindings[PEAK][key] for key in place}
    )
    assert shown(hass, ENERGY) == ("12.345", "kW", "power")
    assert state_of(hass, ENERGY).name.endswith(" Power, maximum")
    registered = er.async_get(hass).async_get(entity_id_of(hass, ENERGY))
    assert registered is not None
    assert registered.translation_key == "power"

    await change_binding(
        hass,
        entry,
        POWER,
        transformations=[{"id": "1", "type": "integration", "time_unit": "h"}],
    )
    assert shown(hass, POWER) == ("0.0", "kWh", "energy")
    assert state_of(hass, POWER).attributes["state_class"] == "total"


async def test_the_unit_a_person_chose_in_home_assistant_stays(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> None:
    """Home Assistant's own setting of the entity goes before ours, as long as it fits."""
    registry = er.async_get(hass)
    registry.async_update_entity_options(
        entity_id_of(hass, ENERGY), "sensor", {"unit_of_measurement": "MJ"}
    )
    await hass.async_block_till_done()
    assert shown(hass, ENERGY) == ("44442.0", "MJ", "energy")
    await change_binding(hass, entry, ENERGY, presentation={"unit": "MWh"})
    assert shown(hass, ENERGY) == ("44442.0", "MJ", "energy")


async def test_a_unit_that_a_person_chose_and_that_does_not_fit_for_a_while(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> None:
    """State and registry agree at once, and the person's choice counts again when it fits again."""
    registry, entity_id = er.async_get(hass), entity_id_of(hass, POWER)

    def units() -> tuple[str | None, ...]:
        registered = registry.async_get(entity_id)
        assert registered is not None
        return shown(hass, POWER)[1], registered.unit_of_measurement

    assert units() == ("kW", "kW")
    seen = async_capture_events(hass, EVENT_STATE_CHANGED)
    registry.async_update_entity_options(
        entity_id, "sensor", {"unit_of_measurement": "MW"}
    )
    await hass.async_block_till_done()
    power, unit, _ = shown(hass, POWER)
    assert unit == "MW"

    integration = {"id": "1", "type": "integration", "time_unit": "h"}
    await change_binding(hass, entry, POWER, transformations=[integration])
    assert shown(hass, POWER) == ("0.0", "kWh", "energy")
    assert units() == ("kWh", "kWh")

    await change_binding(hass, entry, POWER, transformations=[])
    assert shown(hass, POWER) == (power, "MW", "power")
    assert units() == ("MW", "MW")
    new = [event.data["new_state"] for event in seen]
    told = [
        (state.state, state.attributes.get("unit_of_measurement"))
        for state in new
        if state and state.entity_id == entity_id
    ]
    assert told == [(power, "MW"), ("0.0", "kWh"), (power, "MW")]


@pytest.mark.parametrize("way", ["disabled", "not read"])
async def test_what_is_set_while_the_sensor_is_away(
    hass: HomeAssistant, entry: MBusConfigEntry, way: str
) -> None:
    """A unit that is set while nobody shows it is the one shown later, and so is the next one."""
    registry, entity_id = er.async_get(hass), entity_id_of(hass, ENERGY)
    if way == "disabled":
        registry.async_update_entity(
            entity_id, disabled_by=er.RegistryEntryDisabler.USER
        )
        await hass.async_block_till_done()
    else:
        await change_binding(hass, entry, ENERGY, access="W")
    await change_binding(hass, entry, ENERGY, presentation={"unit": "MWh"})
    registry.async_update_entity(entity_id, disabled_by=None)
    await change_binding(hass, entry, ENERGY, access="R")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert shown(hass, ENERGY) == ("12.345", "MWh", "energy")

    await change_binding(hass, entry, ENERGY, presentation={"unit": "GJ"})
    assert shown(hass, ENERGY) == ("44.442", "GJ", "energy")


async def test_another_entity_id(
    hass: HomeAssistant, entry: MBusConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """A sensor that a person gave another entity id follows its binding as before, goes with it and comes back."""
    er.async_get(hass).async_update_entity(
        entity_id_of(hass, ENERGY), new_entity_id="sensor.house"
    )
    await hass.async_block_till_done()
    seen = async_capture_events(hass, EVENT_STATE_CHANGED)
    await change_binding(hass, entry, ENERGY, presentation={"unit": "MWh"})
    assert entity_id_of(hass, ENERGY) == "sensor.house"
    assert shown(hass, ENERGY) == ("12.345", "MWh", "energy")
    [event] = [one for one in seen if one.data["entity_id"] == "sensor.house"]
    assert event.data["new_state"]

    await change_binding(hass, entry, ENERGY, access="W")
    assert shown(hass, ENERGY)[0] == STATE_UNAVAILABLE
    await change_binding(hass, entry, ENERGY, access="R")
    assert shown(hass, ENERGY) == ("12.345", "MWh", "energy")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_the_setting_of_the_meter_clock(
    hass: HomeAssistant, entry: MBusConfigEntry
) -> None:
    """The same local time is another moment, if the clock follows summer time."""
    await change(hass, entry, {CONF_METER_CLOCK: "summer_time"})
    assert shown(hass, CLOCK)[0] == "2026-07-25T08:30:00+00:00"
