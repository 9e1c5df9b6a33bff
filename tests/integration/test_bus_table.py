"""How well each meter is heard, as the action and the diagnostics tell."""

from collections.abc import AsyncIterator
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from tests.simulator import (
    Fault,
    HeatMeter,
    SimulatedBus,
    WaterMeter,
    is_request_for_data,
)

from .conftest import CreateEntry, let_poll


@pytest.fixture
async def bus(socket_enabled: None) -> AsyncIterator[SimulatedBus]:
    """Return a bus with a water meter at 1, one known by its number, and a heat meter that sends two telegrams at 3."""
    meters = [WaterMeter(1), WaterMeter(2, identification="20000002"), HeatMeter(3)]
    async with SimulatedBus(meters, baud_rate=38400) as simulated:
        yield simulated


async def table(hass: HomeAssistant, entry_id: str) -> dict[str, Any]:
    """Return the rows of the action by address."""
    answer = await hass.services.async_call(
        "mbus",
        "get_bus_table",
        {"config_entry_id": entry_id},
        blocking=True,
        return_response=True,
    )
    assert answer
    rows = answer["meters"]
    assert isinstance(rows, list)
    return {str(row["address"])[:8]: row for row in rows if isinstance(row, dict)}


async def test_figures_and_advice(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """What went well and what didn't is counted for the meter concerned, and put into words where it is bad."""
    entry = await create_entry(1, "20000002", 3)
    entry.runtime_data.connection.trace.clear()
    bus.requests.clear()
    bus.faults.once(
        Fault.CORRUPT, matches=lambda it: is_request_for_data(it) and it[2] == 1
    )
    await let_poll(hass, 301)

    rows = await table(hass, entry.entry_id)
    noisy, selected, two = rows["1"], rows["20000002"], rows["3"]
    assert 0 < noisy["answered"] < 1
    assert (noisy["damaged"], noisy["repeated"]) == (1, 1)
    assert "Line delay ratio" in noisy["advice"]
    for sound in (selected, two):
        assert (sound["answered"], sound["damaged"], sound["repeated"]) == (1, 0, 0)
        assert sound["advice"] is None
    assert 0 < two["duration"] < 1
    assert two["last_read"]

    bus.meters = bus.meters[1:]
    entry.runtime_data.connection.trace.clear()
    await let_poll(hass, 901)
    silent = (await table(hass, entry.entry_id))["1"]
    assert silent["answered"] == 0
    assert silent["duration"] is None
    assert silent["advice"].startswith("It never answered")
