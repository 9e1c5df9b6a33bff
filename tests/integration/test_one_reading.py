"""Whoever reads a configured meter, it is read one way: once for all who wait for it, and for the sensors, too."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.mbus.const import CONF_TIMEOUT, DOMAIN
from tests.simulator import (
    Fault,
    HeatMeter,
    SimulatedBus,
    WaterMeter,
    is_request_for_data,
)

from .conftest import CreateEntry
from .controls import bind_record, call, control_of, state_of
from .meter_dialogs import configure_meter, options_of
from .test_services import on_meter

LIMIT = "02 D9 48"
VOLUME = bytes.fromhex("0C 13")


def readings(bus: SimulatedBus) -> int:
    """Count the requests for data."""
    return sum(map(is_request_for_data, bus.requests))


def shown(hass: HomeAssistant, name: str) -> float:
    """Return what the sensor of this name shows."""
    [entity_id] = [
        entity.entity_id
        for entity in er.async_get(hass).entities.values()
        if entity.platform == DOMAIN and entity.original_name == name
    ]
    return float(state_of(hass, entity_id))


async def test_dialog_joins_a_poll(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A meter of one telegram is read once for the poll under way and for the dialog that was opened meanwhile."""
    entry = await create_entry(2, options={CONF_TIMEOUT: 2000})
    bus.requests.clear()
    bus.faults.once(Fault.DROP, matches=is_request_for_data)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=301))
    while not readings(bus):
        await asyncio.sleep(0.001)

    dialog = await configure_meter(hass, entry, "meter2", "choose_records")
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    assert readings(bus) == 1
    await dialog.wait()

    assert dialog.result["step_id"] == "records"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert readings(bus) == 2  # The one that was lost, and the one that was answered.


async def test_dialog_reads_all_beside_a_poll(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A poll under way that ends before the meter's last telegram doesn't tell what the dialog is to show."""
    entry = await create_entry(1, options={CONF_TIMEOUT: 2000})
    bus.requests.clear()
    bus.faults.once(Fault.DROP, matches=is_request_for_data)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=301))
    while not readings(bus):
        await asyncio.sleep(0.001)

    dialog = await configure_meter(hass, entry, "meter1", "choose_records")
    await dialog.wait()

    telegrams = {key.partition(".")[0] for key in options_of(dialog.result, "records")}
    assert telegrams == {"0", "1", "2"}


async def test_what_a_dialog_read_is_shown(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The sensors have what the dialog shows, and the meter is not read again before its period is over."""
    bus.meters.append(meter := WaterMeter(5))
    meter.memory[VOLUME] = bytes.fromhex("00 00 23 01")
    entry = await create_entry(5)
    assert shown(hass, "Volume") == 1230.0
    meter.memory[VOLUME] = bytes.fromhex("00 00 24 01")
    bus.requests.clear()

    dialog = await configure_meter(hass, entry, "meter5", "choose_records")
    await dialog.wait()

    assert shown(hass, "Volume") == 1240.0
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=299))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert readings(bus) == 1


async def test_read_back_is_published(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A write costs the reading before it and the one after it, and what is read then is shown."""
    [heat] = [meter for meter in bus.meters if isinstance(meter, HeatMeter)]
    entry = await create_entry(1)
    binding = await bind_record(hass, entry, heat, LIMIT)
    bus.requests.clear()

    await call(hass, control_of(hass, binding), "set_value", value=70)

    assert state_of(hass, control_of(hass, binding)) == "70.0"
    assert readings(bus) == 2 * len(heat.peek())


async def test_action_publishes_what_it_reads_back(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """So does the action that writes, and the one that sets a clock: it looks at one telegram before."""
    entry = await create_entry(2)
    bus.requests.clear()

    await on_meter(hass, entry, "meter2", "write_record", header="0C 13", value=4567.89)

    assert shown(hass, "Volume") == 4567.89
    assert readings(bus) == 2
    read_at = shown_at(hass)
    await on_meter(hass, entry, "meter2", "set_clock")
    assert readings(bus) == 4
    assert shown_at(hass) > read_at


def shown_at(hass: HomeAssistant) -> datetime:
    """Return when the meter at 2 was read last."""
    [entry] = hass.config_entries.async_loaded_entries(DOMAIN)
    reading = entry.runtime_data.coordinators["meter2"].data.reading
    assert isinstance(reading.time, datetime)
    return reading.time


async def read_in_flight(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> asyncio.Task[Any]:
    """Return an action that has asked a meter, which is silent for as long as the test wants."""
    bus.requests.clear()
    bus.faults.once(Fault.DROP, Fault.DROP, matches=is_request_for_data)
    reading = hass.async_create_task(
        on_meter(hass, entry, "meter2", "read_meter", answers=True)
    )
    while not readings(bus):
        await asyncio.sleep(0.001)
    return reading


@pytest.mark.parametrize("is_silent", [False, True])
async def test_meter_deleted_while_it_is_read(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry, is_silent: bool
) -> None:
    """Nobody is told the last reading of a meter that is gone."""
    entry = await create_entry(2, options={CONF_TIMEOUT: 500})
    reading = await read_in_flight(hass, bus, entry)
    if not is_silent:
        bus.faults.clear()
    hass.config_entries.async_remove_subentry(entry, "meter2")
    assert (await reading)["error"].endswith(
        " was deleted before it was read. Choose another meter."
    )


async def test_connection_reloaded_while_a_meter_is_read(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Whoever waits is told to try again."""
    entry = await create_entry(2, options={CONF_TIMEOUT: 500})
    first = await read_in_flight(hass, bus, entry)
    second = hass.async_create_task(
        on_meter(hass, entry, "meter2", "write_record", header="04 13", value=1)
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    with pytest.raises(HomeAssistantError) as raised:
        await second
    for error in (str(raised.value), (await first)["error"]):
        assert error.endswith(
            "the connection is being closed or restarted; try again once it is running"
        )
