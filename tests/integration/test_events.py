"""What happens to a meter beside its values."""

from typing import Any

from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import DOMAIN
from tests.simulator import SimulatedBus, WaterMeter
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .test_guards import ENERGY, Meter, fix

EVENTS = "event.sim_meter_12345678_events"


@pytest.fixture
def meter(bus: SimulatedBus) -> Meter:
    """Return a meter at 7."""
    meter = Meter(7, ENERGY, identification="12345678")
    bus.meters = [meter]
    return meter


@pytest.fixture
async def entry(meter: Meter, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection with it."""
    return await create_entry(7)


type Told = list[dict[str, Any]]


@pytest.fixture
def told(hass: HomeAssistant, entry: MockConfigEntry) -> Told:
    """Return what is told from now on."""
    events: Told = []

    @callback
    def note(event: Any) -> None:
        state: State = event.data["new_state"]
        old: State | None = event.data["old_state"]
        if old and old.state == state.state:
            return  # The meter is called otherwise now; nothing happened.
        events.append(
            {
                key: value
                for key, value in state.attributes.items()
                if key not in ("event_types", "friendly_name")
            }
        )

    async_track_state_change_event(hass, EVENTS, note)
    return events


async def test_silent_and_back(
    hass: HomeAssistant, bus: SimulatedBus, meter: Meter, told: Told
) -> None:
    """Each once, however long it lasts."""
    state = hass.states.get(EVENTS)
    assert state
    assert state.state == "unknown"
    entity = er.async_get(hass).entities[EVENTS]
    # A target by device would pass over one with a category.
    assert entity.entity_category is None
    bus.meters = []
    for _ in range(3):
        await let_poll(hass, 301)
    [silent] = told
    assert silent["event_type"] == "silent"
    assert "no reply" in silent["reason"]
    bus.meters = [meter]
    for _ in range(2):
        await let_poll(hass, 301)
    assert [event["event_type"] for event in told] == ["silent", "back"]


async def test_silent_over_a_restart(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    entry: MockConfigEntry,
    told: Told,
) -> None:
    """A meter that goes on being silent is not told of again."""
    bus.meters = []
    await let_poll(hass, 301)
    silent = hass.states.get(EVENTS)
    assert silent
    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass, 301)
    still_silent = hass.states.get(EVENTS)
    assert still_silent
    assert still_silent.state == silent.state
    told.clear()
    bus.meters = [meter]
    await let_poll(hass, 301)
    assert told == [{"event_type": "back"}]


async def test_lost_bus_is_no_silence(
    hass: HomeAssistant, bus: SimulatedBus, meter: Meter, told: Told
) -> None:
    """That is the connection's to tell."""
    await bus.close()
    await let_poll(hass, 301)
    assert told == []


async def test_status_changed(hass: HomeAssistant, meter: Meter, told: Told) -> None:
    """Which bits there were, and which there are."""
    meter.status = 0x24
    await let_poll(hass, 301)
    await let_poll(hass, 301)
    meter.status = 0x08
    await let_poll(hass, 301)
    assert told == [
        {
            "event_type": "status_changed",
            "old_status": "00",
            "new_status": "24",
            "old_bits": [],
            "new_bits": ["power_low", "bit_5"],
        },
        {
            "event_type": "status_changed",
            "old_status": "24",
            "new_status": "08",
            "old_bits": ["power_low", "bit_5"],
            "new_bits": ["permanent_error"],
        },
    ]


async def test_total_fell(hass: HomeAssistant, meter: Meter, told: Told) -> None:
    """Once a second reading has it, too; a single wrong one is not told."""
    values = iter([5, 12_346, 12_347])
    telegrams = meter.telegrams

    def once_wrong() -> list[bytes]:
        if (value := next(values, None)) is not None:
            meter.records[0] = integer("04 06", value)
        return telegrams()

    meter.telegrams = once_wrong  # type: ignore[method-assign]
    await let_poll(hass, 301)
    await let_poll(hass, 301)
    assert told == []
    meter.records[0] = integer("04 06", 5)
    await let_poll(hass, 301)
    await let_poll(hass, 301)
    assert told == [
        {
            "event_type": "total_fell",
            "binding": "energy",
            "old_total": 12_347_000,
            "new_total": 5000,
            "unit": "Wh",
        }
    ]


async def test_exchanged(
    hass: HomeAssistant,
    meter: Meter,
    told: Told,
    hass_client: ClientSessionGenerator,
) -> None:
    """When a person took the new meter for the old one, not before."""
    meter.identification = "87654321"
    meter.status = 0x04
    await let_poll(hass, 301)
    assert told == []
    await fix(hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}, {})
    await let_poll(hass)
    assert told == [
        {
            "event_type": "exchanged",
            "old_serial_number": "12345678",
            "new_serial_number": "87654321",
        }
    ]


async def test_clock_set(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """By whatever way."""
    bus.meters = [WaterMeter(2, identification="12345678")]
    await create_entry(2)
    entity_id = "event.sim_water_meter_12345678_events"
    device_id = er.async_get(hass).entities[entity_id].device_id
    await hass.services.async_call(
        DOMAIN,
        "set_clock",
        {"device_id": device_id, "datetime": "2026-11-25T12:00:00+00:00"},
        blocking=True,
    )
    state = hass.states.get(entity_id)
    assert state
    assert state.attributes["event_type"] == "clock_set"
    assert state.attributes["time"].startswith("2026-11-25T04:00:0")
