"""What a meter's past meets in the recorder: statistics of others, and a recorder that is slow."""

import asyncio
from datetime import datetime, time
import itertools
import threading
from typing import override

from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.models import StatisticData
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.components.recorder.tasks import RecorderTask
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.simulator import HeatMeter, SimulatedBus
from tests.simulator.faults import Fault, is_request_for_data

from .conftest import CreateEntry
from .meter_dialogs import configure_meter
from .recorder import rows
from .test_history import (
    BERLIN,
    ENERGY,
    ENERGY_METADATA,
    FIRSTS,
    PAST,
    Clock,
    by_month,
    clock,
    custom_integrations,
    entry,
    hour_before,
    import_history,
    meter,
)
from .test_readings import call
from .test_services import device_of

__all__ = ["clock", "custom_integrations", "entry", "meter"]


def noon(number: int) -> datetime:
    """Return noon of the first of a month, the first of them 0."""
    return dt_util.as_utc(datetime.combine(FIRSTS[number], time(12), BERLIN))


@pytest.mark.parametrize(
    ("number", "state"),
    [
        # Before it, 150 is stored and 200 is; after it, 500.
        (2, 5),
        (2, 700),
        # Above all that the meter ever had.
        (5, 90_000),
    ],
)
async def test_statistics_of_another_sensor(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    clock: Clock,
    number: int,
    state: float,
) -> None:
    """What a sensor of the same name left is no count of this meter: nothing is put before it."""
    async_import_statistics(
        hass,
        ENERGY_METADATA,
        [StatisticData(start=noon(number), state=state, sum=0)],
    )
    await clock.tick()
    before = await rows(hass, ENERGY, "hour", "state", "sum")
    answer = await import_history(hass)
    assert answer["taken"] == []
    assert "does not fit" in answer["reason"]
    assert await rows(hass, ENERGY, "hour", "state", "sum") == before


async def test_statistics_of_a_time_without_sums(
    hass: HomeAssistant, entry: MockConfigEntry, clock: Clock
) -> None:
    """A sensor that was no total once has rows with means, which nothing is written over."""
    mean = [
        StatisticData(start=hour_before(FIRSTS[3]), mean=7.0, min=7.0, max=7.0),
    ]
    async_import_statistics(hass, ENERGY_METADATA, mean)
    await clock.tick()
    answer = await import_history(hass)
    assert [one["value"] for one in answer["taken"]] == [100, 150, 200]
    found = await rows(hass, ENERGY, "hour", "state")
    assert [row["state"] for row in found] == [100, 150, 200, None]


class Busy(RecorderTask):
    """Keeps the recorder from all else until it is told to go on."""

    commit_before = False

    def __init__(self) -> None:
        """Begin when it is this task's turn."""
        self.begun = threading.Event()
        self.over = threading.Event()

    @override
    def run(self, instance: Recorder) -> None:
        self.begun.set()
        self.over.wait()


@pytest.mark.parametrize("times", [1, 2])
async def test_reload_while_the_recorder_is_busy(
    hass: HomeAssistant, entry: MockConfigEntry, clock: Clock, times: int
) -> None:
    """What the recorder was given to do is given to it once, and done once, however often it was asked for."""
    await clock.tick()
    instance, busy = get_instance(hass), Busy()
    instance.queue_task(busy)
    await hass.async_add_executor_job(busy.begun.wait)
    runtime = entry.runtime_data
    coordinator = runtime.coordinators["meter7"]
    reading, bindings = coordinator.data.reading, coordinator.meter.bindings
    taking = [
        hass.async_create_task(runtime.history.async_take(reading, bindings))
        for _ in range(times)
    ]
    while instance.backlog < 2:
        await asyncio.sleep(0.01)
    assert await hass.config_entries.async_reload(entry.entry_id)
    given = instance.backlog
    history = entry.runtime_data.history
    reading = entry.runtime_data.coordinators["meter7"].data.reading
    for _ in range(3):
        again = hass.async_create_task(history.async_take(reading, []))
        taking.append(again)
        # Whoever gave it something would wait for it now.
        while not again.done() and instance.backlog == given:
            await asyncio.sleep(0.01)
    busy.over.set()
    await asyncio.gather(*taking)
    await clock.tick(2001)
    await clock.tick()
    assert entry.runtime_data.store.notes.imports == []
    assert await by_month(hass) == PAST
    changes = await rows(hass, ENERGY, "5minute", "change")
    assert [row["change"] for row in changes] == [1900, 1, 0]


async def test_reload_before_the_recorder_is_asked(
    hass: HomeAssistant, entry: MockConfigEntry, clock: Clock
) -> None:
    """What the run before has not yet given to the recorder is for the next one alone to give."""
    await clock.tick()
    instance, busy, read = get_instance(hass), Busy(), threading.Event()
    instance.queue_task(busy)
    await hass.async_add_executor_job(busy.begun.wait)
    readers = [instance.async_add_executor_job(read.wait) for _ in range(50)]
    coordinator = entry.runtime_data.coordinators["meter7"]
    reading, bindings = coordinator.data.reading, coordinator.meter.bindings
    taking = hass.async_create_task(
        entry.runtime_data.history.async_take(reading, bindings)
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    again = hass.async_create_task(entry.runtime_data.history.async_take(reading, []))
    read.set()
    await asyncio.gather(*readers)
    while instance.backlog < (2 if taking.done() else 4):
        await asyncio.sleep(0.01)
    busy.over.set()
    await asyncio.gather(taking, again)
    await clock.tick(2001)
    await clock.tick()
    assert entry.runtime_data.store.notes.imports == []
    assert await by_month(hass) == PAST
    changes = await rows(hass, ENERGY, "5minute", "change")
    assert [row["change"] for row in changes] == [1900, 1, 0]


async def test_meter_read_in_part(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Of a meter whose last telegram is lost nothing is taken that something missing belongs between."""
    bus.meters = [HeatMeter(1)]
    entry = await create_entry(1)
    device_id = device_of(hass, entry, "meter1")
    whole = await call(hass, "take_readings", config_entry_id=entry.entry_id)
    assert whole["errors"] == {}

    def lose_the_last() -> None:
        asked = itertools.count()
        bus.faults.once(
            *[Fault.DROP] * 2,
            matches=lambda one: is_request_for_data(one) and next(asked) >= 2,
        )

    lose_the_last()
    part = await call(hass, "take_readings", config_entry_id=entry.entry_id)
    assert 0 < len(part["readings"]) < len(whole["readings"])
    assert "only in part" in part["errors"][device_id]
    lose_the_last()
    answer = await call(hass, "import_history", device_id=device_id)
    assert "only in part" in answer[device_id]["error"]
    assert entry.runtime_data.store.notes.imports == []

    lose_the_last()
    dialog = await configure_meter(hass, entry, "meter1", "import_history")
    result = await dialog.wait()
    assert result["step_id"] == "history_not_read"
    assert "no reply" in result["description_placeholders"]["error"]
    await dialog.submit({})
    assert (await dialog.wait())["step_id"] == "history"
