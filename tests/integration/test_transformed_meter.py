"""Chains of transformations on what a meter sends: over polls, restarts and errors."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.mbus.const import CONF_BINDINGS, CONF_TRANSFORMATIONS, LOGGER
from tests.simulator import SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry
from .meter_dialogs import bindings_of
from .test_guards import Meter, state_of

SUM = {"type": "integration", "id": "sum", "time_unit": "h"}
RATE = {"type": "derivative", "id": "rate", "time_unit": "h"}
ZERO = {"type": "default_value", "id": "zero", "value": "0", "when": "missing"}


def power(watts: int) -> bytes:
    """Return a record of power."""
    return integer("04 2B", watts)


def energy(watt_hours: int) -> bytes:
    """Return a record of energy."""
    return integer("04 03", watt_hours)


NO_POWER = bytes.fromhex("0A 2B FF FF")
"""A power of 4 digits that are none."""


@pytest.fixture
def meter(bus: SimulatedBus) -> Meter:
    """Return a meter that sends a power and an energy."""
    meter = Meter(7, power(1200), energy(1000), identification="12345678")
    bus.meters = [meter]
    return meter


@pytest.fixture
async def entry(meter: Meter, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection to the meter that is not yet set up."""
    return await create_entry(7, setup=False)


def transform(
    hass: HomeAssistant, entry: MockConfigEntry, **chains: list[dict[str, Any]]
) -> None:
    """Store chains of transformations by the name of their bindings."""
    subentry = entry.subentries["meter7"]
    bindings = [
        {**item, CONF_TRANSFORMATIONS: chains.get(item["name"], [])}
        for item in subentry.data[CONF_BINDINGS]
    ]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: bindings}
    )


class Clock:
    """The time of readings, which stands still between them."""

    def __init__(self) -> None:
        """Start now."""
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that Home Assistant looks at."""
    clock = Clock()
    monkeypatch.setattr(dt_util, "utcnow", clock)
    return clock


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set the connection up and let it poll."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await poll(hass)


async def poll(hass: HomeAssistant) -> None:
    """Let all timers run out."""
    async_fire_time_changed(hass, datetime.now(UTC) + timedelta(hours=1))
    await hass.async_block_till_done(wait_background_tasks=True)


async def read(
    hass: HomeAssistant, meter: Meter, clock: Clock, minutes: float, *records: bytes
) -> None:
    """Let time pass and the meter be polled, which now sends these records."""
    meter.records[: len(records)] = records
    clock.now += timedelta(minutes=minutes)
    await poll(hass)


async def test_sum_goes_on_after_restart_reload_and_renaming(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """1200 W over 5 minutes are 100 Wh; the same reading seen again adds nothing."""
    transform(hass, entry, power=[SUM])
    await set_up(hass, entry)
    assert state_of(hass, "power") == "0.0"
    await read(hass, meter, clock, 5)
    assert float(state_of(hass, "power")) == pytest.approx(0.1)  # kWh

    clock.now += timedelta(minutes=2)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert float(state_of(hass, "power")) == pytest.approx(0.1)

    registry = er.async_get(hass)
    registry.async_update_entity(
        "sensor.sim_meter_12345678_power", new_entity_id="sensor.boiler_power"
    )
    await hass.async_block_till_done()
    assert await hass.config_entries.async_unload(entry.entry_id)
    await read(hass, meter, clock, 3, power(2400))
    await set_up(hass, entry)
    # 1200 to 2400 W over 5 minutes are 150 Wh.
    assert float(state_of(hass, "power")) == pytest.approx(0.25)


async def test_gap_adds_nothing(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """An invalid value is bridged, as a failed poll is; a long silence is not summed up."""
    transform(hass, entry, power=[SUM])
    await set_up(hass, entry)
    await read(hass, meter, clock, 5)
    await read(hass, meter, clock, 5, NO_POWER)
    assert state_of(hass, "power") == STATE_UNKNOWN
    assert state_of(hass, "binding_state") == "invalid_value"
    await read(hass, meter, clock, 5, power(1200))
    assert float(state_of(hass, "power")) == pytest.approx(0.3)
    await read(hass, meter, clock, 20)
    assert float(state_of(hass, "power")) == pytest.approx(0.3)
    await read(hass, meter, clock, 5)
    assert float(state_of(hass, "power")) == pytest.approx(0.4)


def set_meter(hass: HomeAssistant, entry: MockConfigEntry, **settings: Any) -> None:
    """Change settings of the meter as its dialog does."""
    subentry = entry.subentries["meter7"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **settings}
    )


@pytest.mark.parametrize("whose", ["meter", "connection"])
async def test_sum_stays_when_the_period_becomes_shorter(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock, whose: str
) -> None:
    """What was read by the hour was not late, nor is the next reading half an hour later."""
    transform(hass, entry, power=[SUM])
    if whose == "meter":
        set_meter(hass, entry, period=3_600_000)
    else:
        hass.config_entries.async_update_entry(entry, options={"period": 3_600_000})
    await set_up(hass, entry)
    await read(hass, meter, clock, 60)
    assert float(state_of(hass, "power")) == pytest.approx(1.2)

    clock.now += timedelta(minutes=30)
    if whose == "meter":
        set_meter(hass, entry, period=300_000)
    else:
        hass.config_entries.async_update_entry(entry, options={"period": 300_000})
    await hass.async_block_till_done()
    coordinator = entry.runtime_data.coordinators["meter7"]
    sums = [result.value for result in coordinator.data.results.values()]
    assert pytest.approx(1200) in sums
    await coordinator.async_read()
    assert float(state_of(hass, "power")) == pytest.approx(1.8)
    clock.now += timedelta(minutes=20)
    await coordinator.async_read()
    assert float(state_of(hass, "power")) == pytest.approx(1.8)


async def test_sum_of_a_meter_read_on_demand(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """What was joined on demand stays joined when the meter is read by itself again."""
    transform(hass, entry, power=[SUM])
    await set_up(hass, entry)
    set_meter(hass, entry, on_demand=True)
    await hass.async_block_till_done()
    clock.now += timedelta(days=1)
    await entry.runtime_data.coordinators["meter7"].async_read()
    assert float(state_of(hass, "power")) == pytest.approx(28.8)

    set_meter(hass, entry, on_demand=False)
    await hass.async_block_till_done()
    assert float(state_of(hass, "power")) == pytest.approx(28.8)


async def test_failing_step_stops_nothing_else(
    hass: HomeAssistant,
    meter: Meter,
    entry: MockConfigEntry,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The value is missing, with the reason where the user looks, and logged once; others go on."""
    bad = {"type": "script", "id": "bad", "template": "{{ 100 / (value - 1200) }}"}
    transform(hass, entry, power=[bad, RATE], energy=[RATE])
    await set_up(hass, entry)
    await read(hass, meter, clock, 5, power(1200), energy(1100))
    assert state_of(hass, "power") == STATE_UNKNOWN
    assert state_of(hass, "energy") == "1200.0"  # W
    assert state_of(hass, "binding_state") == "transformation_failed"
    state = hass.states.get("sensor.sim_meter_12345678_binding_state")
    assert state is not None
    [(name, reason)] = state.attributes["errors"].items()
    assert name == "power"
    assert reason.startswith("step 1: ")
    assert "division by zero" in reason
    told = [record for record in caplog.records if record.name == LOGGER.name]
    assert sum("division by zero" in record.getMessage() for record in told) == 1

    await read(hass, meter, clock, 5, power(1300))
    await read(hass, meter, clock, 5, power(1250))
    assert state_of(hass, "power") == "12.0"
    assert state_of(hass, "binding_state") == "ok"


@pytest.mark.parametrize("template", ["much", "{{ value > 5 }}"])
async def test_no_number_is_no_value_of_a_numeric_sensor(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, template: str
) -> None:
    """What a sensor can't show is an error of the chain."""
    words = {"type": "script", "id": "words", "template": template}
    transform(hass, entry, power=[words])
    await set_up(hass, entry)
    assert state_of(hass, "power") == STATE_UNKNOWN
    assert state_of(hass, "binding_state") == "transformation_failed"


async def test_another_meter_is_not_derived_from(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """What a meter moved since the one before it was read is nothing of either; its sum goes on."""
    transform(hass, entry, power=[SUM], energy=[RATE])
    await set_up(hass, entry)
    await read(hass, meter, clock, 5, power(1200), energy(1100))
    assert (state_of(hass, "energy"), state_of(hass, "power")) == ("1200.0", "0.1")

    meter.identification = "87654321"
    meter.records[:] = [power(6000), energy(9_000_000)]
    subentry = entry.subentries["meter7"]
    adopted = {**subentry.data["identity"], "identification": "87654321"}
    clock.now += timedelta(minutes=5)
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "identity": adopted}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll(hass)
    assert (state_of(hass, "energy"), state_of(hass, "power")) == ("unknown", "0.1")
    await read(hass, meter, clock, 5, power(6000), energy(9_000_100))
    assert (state_of(hass, "energy"), state_of(hass, "power")) == ("1200.0", "0.6")


async def test_default_value_stands_in_for_an_invalid_one(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """It is what was wanted then, and no error; a record that is not there stays unavailable."""
    transform(hass, entry, power=[ZERO])
    await set_up(hass, entry)
    await read(hass, meter, clock, 5, NO_POWER)
    assert state_of(hass, "power") == "0"
    assert state_of(hass, "binding_state") == "ok"
    await read(hass, meter, clock, 5, integer("04 13", 5))
    assert state_of(hass, "power") == STATE_UNAVAILABLE
    assert state_of(hass, "binding_state") == "record_changed"


async def test_total_that_fell_is_not_derived_from(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    entry: MockConfigEntry,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lower total is read again; a reading that is not published leaves no trace in the memory."""
    transform(hass, entry, energy=[RATE])
    await set_up(hass, entry)
    await read(hass, meter, clock, 5, power(0), energy(1100))
    assert state_of(hass, "energy") == "1200.0"

    falling = iter((energy(100), energy(1150)))
    monkeypatch.setattr(
        meter, "telegrams", lambda: [power(0) + next(falling, energy(1200))]
    )
    await read(hass, meter, clock, 5)
    assert state_of(hass, "energy") == STATE_UNKNOWN
    assert state_of(hass, "binding_state") == "total_fell"
    # It is read again at once; this clock stands still meanwhile.
    await poll(hass)
    assert state_of(hass, "energy") == "600.0"


async def test_edit_leaves_the_sum_alone(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """A change of the chain is seen at once, on the reading there is; a new factor counts from then on."""
    transform(hass, entry, power=[SUM])
    await set_up(hass, entry)
    await read(hass, meter, clock, 5)

    half = {"type": "scaling", "id": "half", "factor": 0.5, "shift": 0}
    transform(hass, entry, power=[half, SUM])
    await hass.async_block_till_done()
    runtime = entry.runtime_data
    binding_id = bindings_of(entry, "meter7")["power"]["id"]

    def result() -> float:
        return float(runtime.coordinators["meter7"].data.results[binding_id].value)

    assert result() == pytest.approx(100)
    await read(hass, meter, clock, 5)
    assert result() == pytest.approx(150)

    transform(hass, entry)
    await hass.async_block_till_done()
    assert not runtime.store.memory(binding_id)


async def test_memory_goes_with_the_binding(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """Nothing is kept of a removed binding or a removed meter."""
    transform(hass, entry, power=[SUM], energy=[RATE])
    await set_up(hass, entry)
    await read(hass, meter, clock, 5)
    store = entry.runtime_data.store
    ids = {name: item["id"] for name, item in bindings_of(entry, "meter7").items()}
    assert store.memory(ids["power"])
    assert store.memory(ids["energy"])

    subentry = entry.subentries["meter7"]
    kept = [item for item in subentry.data[CONF_BINDINGS] if item["name"] != "power"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: kept}
    )
    await hass.async_block_till_done()
    assert not store.memory(ids["power"])
    assert store.memory(ids["energy"])
    hass.config_entries.async_remove_subentry(entry, "meter7")
    await hass.async_block_till_done()
    assert not store.memory(ids["energy"])


async def test_memory_goes_with_the_binding_before_a_reading(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """A binding removed while the kept reading is no longer the present one leaves nothing behind, either."""
    transform(hass, entry, power=[SUM])
    await set_up(hass, entry)
    await read(hass, meter, clock, 5)
    assert await hass.config_entries.async_unload(entry.entry_id)
    clock.now += timedelta(hours=1)
    assert await hass.config_entries.async_setup(entry.entry_id)
    power_id = bindings_of(entry, "meter7")["power"]["id"]
    subentry = entry.subentries["meter7"]
    kept = [item for item in subentry.data[CONF_BINDINGS] if item["name"] != "power"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: kept}
    )
    await hass.async_block_till_done()
    await poll(hass)
    assert state_of(hass, "energy") != STATE_UNAVAILABLE
    assert not entry.runtime_data.store.memory(power_id)
