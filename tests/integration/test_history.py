"""What a meter stores of its totals becomes history: with the real recorder."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import DOMAIN
from tests.simulator import HeatMeter, SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .dialogs import add_meter
from .meter_dialogs import configure_meter, options_of, ticked
from .recorder import compile_statistics, rows, window
from .test_guards import Meter, fix
from .test_past import at, total

ENERGY = "sensor.sim_meter_12345678_energy"
BERLIN = ZoneInfo("Europe/Berlin")
TOTALS = (100, 150, 200, 500, 1100, 1800)
"""Of the firsts of six months up to this one, in kWh; now it is 2000."""


def firsts(number: int) -> list[date]:
    """Return the firsts of the last months, this one's at last."""
    days = [datetime.now(BERLIN).date().replace(day=1)]
    while len(days) < number:
        days.insert(0, (days[0] - timedelta(days=1)).replace(day=1))
    return days


FIRSTS = firsts(6)
STORED = [
    record
    for storage, (value, day) in enumerate(zip(TOTALS, FIRSTS, strict=True), 1)
    for record in (total(storage, value), at(storage, day))
]
PAST = {
    # What is stored for the first of a month is that of the month before; the first is the zero point.
    f"{day - timedelta(days=1):%Y-%m}": change
    for day, change in zip(FIRSTS, (0, 50, 50, 300, 600, 700), strict=True)
}
"""What the statistics have to show as the change of each month."""


@pytest.fixture(autouse=True)
async def custom_integrations(
    recorder_mock: Recorder, enable_custom_integrations: None, hass: HomeAssistant
) -> None:
    """Let Home Assistant record, which it must before anything else, and load the integration; live in Berlin."""
    await hass.config.async_set_time_zone("Europe/Berlin")


@pytest.fixture
def meter(bus: SimulatedBus) -> Meter:
    """Return a meter that has been there for half a year, in place of all others."""
    meter = Meter(7, integer("04 06", 2000), *STORED, identification="12345678")
    bus.meters = [meter]
    return meter


@pytest.fixture
async def entry(meter: Meter, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection with the meter, added just now."""
    return await create_entry(7)


class Clock:
    """Lets Home Assistant count one five minutes after another."""

    def __init__(self, hass: HomeAssistant, meter: Meter) -> None:
        """Begin with the next hour."""
        self._hass = hass
        self._meter = meter
        self.window = window().replace(minute=0) + timedelta(hours=1)

    async def tick(self, total: int | None = None, steps: int = 1) -> None:
        """Let the meter have another total, then count once or several times."""
        if total is not None:
            self._meter.records[0] = integer("04 06", total)
            await let_poll(self._hass, 301)
        for _ in range(steps):
            await compile_statistics(self._hass, self.window)
            self.window += timedelta(minutes=5)

    async def to_next_hour(self) -> None:
        """Count until the hour is over, which is then counted, too."""
        await self.tick()
        while self.window.minute:
            await self.tick()


@pytest.fixture
def clock(hass: HomeAssistant, meter: Meter) -> Clock:
    """Return it."""
    return Clock(hass, meter)


ENERGY_METADATA = StatisticMetaData(
    mean_type=StatisticMeanType.NONE,
    has_sum=True,
    name=None,
    source="recorder",
    statistic_id=ENERGY,
    unit_class="energy",
    unit_of_measurement="kWh",
)


def hour_before(day: date) -> datetime:
    """Return the hour of statistics that ends with the beginning of a day."""
    return dt_util.as_utc(datetime.combine(day, time(), BERLIN) - timedelta(hours=1))


async def import_history(hass: HomeAssistant) -> dict[str, Any]:
    """Call the action for the one meter, and return what it says of the one sensor."""
    device_id = er.async_get(hass).entities[ENERGY].device_id
    assert device_id
    response: Any = await hass.services.async_call(
        DOMAIN,
        "import_history",
        {"device_id": device_id},
        blocking=True,
        return_response=True,
    )
    sensor: dict[str, Any]
    [sensor] = response[device_id]["sensors"]
    for _ in range(2):
        await async_wait_recording_done(hass)
    return sensor


async def by_month(hass: HomeAssistant, entity_id: str = ENERGY) -> dict[str, float]:
    """Return what the statistics show as the change of each month."""
    return {
        f"{dt_util.as_local(dt_util.utc_from_timestamp(row['start'])):%Y-%m}": row[
            "change"
        ]
        for row in await rows(hass, entity_id, "month", "change")
    }


async def test_months(
    hass: HomeAssistant, entry: MockConfigEntry, clock: Clock
) -> None:
    """Changes by month are the differences of what is stored, before and after the next hours are counted."""
    answer = await import_history(hass)
    assert answer["waits"] is True
    assert len(answer["taken"]) == 6
    assert answer["taken"][0] == {
        "storage_number": 1,
        "time": f"{datetime.combine(FIRSTS[0], time(), BERLIN).isoformat()}",
        "value": 100.0,
    }
    assert answer["left_out"] == []
    assert await by_month(hass) == {}

    await clock.tick()
    assert await by_month(hass) == PAST
    assert entry.runtime_data.store.notes.imports == []
    sums = await rows(hass, ENERGY, "5minute", "state", "sum")
    assert [(row["state"], row["sum"]) for row in sums] == [(2000, 1900)]

    await clock.tick(2001)
    await clock.to_next_hour()
    assert await by_month(hass) == {**PAST, f"{FIRSTS[-1]:%Y-%m}": 200 + 1}
    await clock.tick(2005)
    await clock.to_next_hour()
    assert await by_month(hass) == {**PAST, f"{FIRSTS[-1]:%Y-%m}": 200 + 5}
    changes = await rows(hass, ENERGY, "5minute", "change")
    assert [row["change"] for row in changes if row["change"]] == [1900, 1, 4]


async def test_second_import_adds_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, clock: Clock
) -> None:
    """What is recorded stays as it is, however often it is asked for."""
    await clock.tick()
    assert len((await import_history(hass))["taken"]) == 6
    await clock.tick(2001)
    await clock.to_next_hour()
    before = await rows(hass, ENERGY, "hour", "state", "sum")
    assert len(before) == 7
    for _ in range(2):
        answer = await import_history(hass)
        assert answer["taken"] == []
        assert {one["reason"] for one in answer["left_out"]} == {"recorded already"}
    await clock.tick()
    assert await rows(hass, ENERGY, "hour", "state", "sum") == before


async def test_only_what_is_older(
    hass: HomeAssistant, entry: MockConfigEntry, clock: Clock
) -> None:
    """What was stored after Home Assistant began to count is in its own figures already."""
    began = dt_util.as_utc(datetime.combine(FIRSTS[3], time(12), BERLIN))
    async_import_statistics(
        hass, ENERGY_METADATA, [StatisticData(start=began, state=510, sum=510 - 2000)]
    )
    await clock.tick()
    answer = await import_history(hass)
    assert [one["value"] for one in answer["taken"]] == [100, 150, 200, 500]
    assert [one["value"] for one in answer["left_out"]] == [1100, 1800]
    await clock.to_next_hour()
    months = await by_month(hass)
    assert [*months.values()] == [0, 50, 50, 300, 10, 2000 - 510]
    assert [*months] == [*[*PAST][:4], f"{FIRSTS[3]:%Y-%m}", f"{FIRSTS[-1]:%Y-%m}"]


async def test_unit_shown_and_name_changed(
    hass: HomeAssistant, entry: MockConfigEntry, clock: Clock
) -> None:
    """Statistics keep the unit they began in; a sensor that was renamed meanwhile takes them along."""
    registry = er.async_get(hass)
    await clock.tick()
    registry.async_update_entity_options(
        ENERGY, "sensor", {"unit_of_measurement": "MWh"}
    )
    registry.async_update_entity(ENERGY, new_entity_id="sensor.heat")
    await hass.async_block_till_done()
    await async_wait_recording_done(hass)
    runtime = entry.runtime_data
    coordinator = runtime.coordinators["meter7"]
    await runtime.history.async_take(
        coordinator.data.reading, coordinator.meter.bindings
    )
    for _ in range(2):
        await async_wait_recording_done(hass)
    assert await by_month(hass, "sensor.heat") == pytest.approx(
        {month: change / 1000 for month, change in PAST.items()}
    )
    assert await by_month(hass) == {}
    await clock.tick(2001)
    await clock.to_next_hour()
    assert await by_month(hass, "sensor.heat") == pytest.approx(
        {month: change / 1000 for month, change in PAST.items()}
        | {f"{FIRSTS[-1]:%Y-%m}": 0.201}
    )


@pytest.mark.parametrize("is_shifted", [False, True])
@pytest.mark.parametrize("is_imported", [False, True])
async def test_crash_between_the_steps(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    clock: Clock,
    is_imported: bool,
    is_shifted: bool,
) -> None:
    """Whatever was done of the two steps when Home Assistant went down, the next start ends with both, once."""
    await clock.tick()
    runtime = entry.runtime_data
    coordinator = runtime.coordinators["meter7"]
    reading = coordinator.data.reading
    [binding_id] = coordinator.meter.bindings
    [row] = await rows(hass, ENERGY, "5minute", "state", "sum")
    start = dt_util.utc_from_timestamp(row["start"])
    if is_imported:
        async_import_statistics(
            hass,
            ENERGY_METADATA,
            [
                StatisticData(start=hour_before(day), state=value, sum=value - 100)
                for value, day in zip(TOTALS, FIRSTS, strict=True)
            ],
        )
    if is_shifted:
        get_instance(hass).async_adjust_statistics(
            ENERGY, start.replace(minute=0), 1900, "kWh"
        )
    await async_wait_recording_done(hass)
    runtime.store.notes.keep_imports(
        [
            {
                "binding_id": binding_id,
                "frames": [telegram.frame.hex() for telegram in reading.telegrams],
                "time": reading.time.isoformat(),
                "start": start.isoformat(),
                "sum": 0.0,
                "shift": 1900.0,
                "last": hour_before(FIRSTS[-1]).isoformat(),
            }
        ]
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass)
    await clock.tick(2001)
    await clock.tick()
    assert entry.runtime_data.store.notes.imports == []
    assert await by_month(hass) == PAST
    changes = await rows(hass, ENERGY, "5minute", "change")
    assert [row["change"] for row in changes] == [1900, 1, 0]


async def test_waits_over_a_restart(
    hass: HomeAssistant, entry: MockConfigEntry, clock: Clock
) -> None:
    """What was asked for before there were statistics is done when there are, in whatever run."""
    await import_history(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass)
    await clock.tick()
    assert await by_month(hass) == PAST


async def test_meter_that_was_never_added(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Its past waits no longer than this run."""
    runtime = entry.runtime_data
    reading = runtime.coordinators["meter7"].data.reading
    await runtime.history.async_take(reading, ["nobody"])
    assert runtime.store.notes.imports
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.runtime_data.store.notes.imports == []


async def test_exchanged_meter(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    clock: Clock,
    hass_client: ClientSessionGenerator,
) -> None:
    """The past of the new meter is not that of the old one."""
    clock.window = window()
    await clock.tick()
    meter.identification = "87654321"
    await let_poll(hass, 301)
    await fix(hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}, {})
    await let_poll(hass)
    answer = await import_history(hass)
    assert answer["taken"] == []
    assert "exchanged" in answer["reason"]
    await clock.tick()
    assert PAST.keys().isdisjoint(await by_month(hass))


async def test_reading_of_the_meter_before(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    clock: Clock,
    hass_client: ClientSessionGenerator,
) -> None:
    """What waits for the first statistics is dropped when the meter is another one by then."""
    await import_history(hass)
    meter.identification = "87654321"
    await let_poll(hass, 301)
    await fix(hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}, {})
    await let_poll(hass)
    await clock.tick()
    assert entry.runtime_data.store.notes.imports == []
    assert await by_month(hass) == {}


async def test_total_set_back_since(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry, clock: Clock
) -> None:
    """Stored totals above what was recorded first are of another count."""
    meter.records[:] = [integer("04 06", 5)]
    await create_entry(7)
    await clock.tick()
    meter.records += STORED
    await clock.tick(2000)
    answer = await import_history(hass)
    assert answer["taken"] == []
    assert "does not fit" in answer["reason"]
    await clock.to_next_hour()
    assert [*(await by_month(hass)).values()] == [1995]


@pytest.mark.parametrize("recorder_config", [{"exclude": {"entities": [ENERGY]}}])
async def test_sensor_not_recorded(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """It would wait for ever."""
    answer = await import_history(hass)
    assert answer["taken"] == []
    assert "does not record" in answer["reason"]
    assert entry.runtime_data.store.notes.imports == []


async def test_disabled_sensor(
    hass: HomeAssistant, entry: MockConfigEntry, clock: Clock
) -> None:
    """Nor is a sensor counted that is disabled."""
    er.async_get(hass).async_update_entity(
        ENERGY, disabled_by=er.RegistryEntryDisabler.USER
    )
    answer = await import_history(hass)
    assert "enabled" in answer["reason"]


async def test_offered_when_a_meter_is_added(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry, clock: Clock
) -> None:
    """After its records were chosen; within minutes, months of last year stand there."""
    meter.records += [total(7, 50)]
    entry = await create_entry()
    dialog = await add_meter(hass, entry)
    await dialog.choose("address")
    await dialog.submit({"address": "7"})
    assert (await dialog.wait())["step_id"] == "records"
    result = await dialog.submit({"records": ["0.0"]})
    assert result["step_id"] == "history"
    [(binding_id, label)] = options_of(result, "sensors").items()
    assert label == f"Energy: {FIRSTS[0]} to {FIRSTS[-1]}, values: 6"
    assert ticked(result, "sensors") == [binding_id]
    assert result["description_placeholders"] == {
        "left_out": "**Energy**, left out:\n\n- storage 7: no date"
    }
    result = await dialog.submit({"sensors": [binding_id]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await let_poll(hass)
    await clock.tick()
    assert await by_month(hass) == PAST


async def test_not_wanted_when_a_meter_is_added(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry, clock: Clock
) -> None:
    """It is only offered."""
    entry = await create_entry()
    dialog = await add_meter(hass, entry)
    await dialog.choose("address")
    await dialog.submit({"address": "7"})
    await dialog.wait()
    await dialog.submit({"records": ["0.0"]})
    result = await dialog.submit({"sensors": []})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await let_poll(hass)
    await clock.tick()
    assert await by_month(hass) == {}


async def test_offered_with_new_records(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """For those that come new; nothing is asked where none of them has a past."""
    meter.records += [integer("04 13", 700), integer("44 13", 500)]
    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    result = await dialog.submit({"records": ["0.0", "0.13"]})
    assert result["step_id"] == "history"
    assert [*options_of(result, "sensors").values()] == [f"Volume: {FIRSTS[0]}"]
    result = await dialog.submit({"sensors": ticked(result, "sensors")})
    assert result["reason"] == "reconfigure_successful"
    await let_poll(hass, 301)
    await clock.tick()
    volume = "sensor.sim_meter_12345678_volume"
    assert await by_month(hass, volume) == {next(iter(PAST)): 0}
    assert await by_month(hass) == {}

    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    result = await dialog.submit({"records": ["0.0", "0.1", "0.13"]})
    assert result["reason"] == "reconfigure_successful"


async def test_under_the_gear(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """At any time, once; then it says why there is no more."""
    await clock.tick()
    dialog = await configure_meter(hass, entry, "meter7", "import_history")
    result = await dialog.wait()
    assert result["step_id"] == "history"
    result = await dialog.submit({"sensors": ticked(result, "sensors")})
    assert result["reason"] == "history_taken"
    for _ in range(2):
        await async_wait_recording_done(hass)
    assert await by_month(hass) == PAST

    dialog = await configure_meter(hass, entry, "meter7", "import_history")
    result = await dialog.wait()
    # What follows on a progress must be a form: the frontend may ask for it twice.
    assert result["step_id"] == "no_history"
    assert result["description_placeholders"] == {
        "sensors": "**Energy**, left out:\n\n- storage 1, 2, 3, 4, 5, 6: recorded already"
    }
    result = await dialog.submit({})
    assert result["reason"] == "history_left"

    meter.address = 99
    dialog = await configure_meter(hass, entry, "meter7", "import_history")
    result = await dialog.wait()
    assert result["step_id"] == "history_not_read"
    meter.address = 7
    await dialog.submit({})
    result = await dialog.wait()
    assert result["step_id"] == "no_history"


async def test_nothing_wanted(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry, clock: Clock
) -> None:
    """Then nobody is told that anything is taken."""
    await clock.tick()
    dialog = await configure_meter(hass, entry, "meter7", "import_history")
    await dialog.wait()
    result = await dialog.submit({"sensors": []})
    assert result["reason"] == "history_left"
    assert entry.runtime_data.store.notes.imports == []


async def test_simulated_heat_meter(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Thirteen months, which the simulator's heat meter sends in its third telegram."""
    bus.meters = [HeatMeter(1, identification="12345678")]
    await create_entry(1)
    energy = "sensor.sim_heat_meter_12345678_energy"
    device_id = er.async_get(hass).entities[energy].device_id
    response: Any = await hass.services.async_call(
        DOMAIN,
        "import_history",
        {"device_id": device_id},
        blocking=True,
        return_response=True,
    )
    [sensor] = (
        one for one in response[device_id]["sensors"] if one["entity_id"] == energy
    )
    # The due date's is that of the last month, too.
    assert len(sensor["taken"]) == 13
    assert [one["reason"] for one in sensor["left_out"]] == [
        "another value of the same hour is taken"
    ]
    await compile_statistics(hass, window())
    months = await by_month(hass, energy)
    stored = [one["value"] for one in sensor["taken"]]
    assert [*months.values()][:13] == [
        0,
        *(after - before for before, after in pairwise(stored)),
    ]
